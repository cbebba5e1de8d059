#!/bin/sh
# Runs at the first boot of the web server.
cat > /etc/webapp.conf <<CONF
database=$DATABASE
password=$PASSWORD
CONF
