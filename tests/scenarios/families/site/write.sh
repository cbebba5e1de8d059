#!/bin/sh
echo "<title>$title</title>" > index.html
