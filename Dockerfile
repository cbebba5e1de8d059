# stackd as a container: one process, no root, nothing in it that is not needed to run.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/build.txt requirements/run.txt ./requirements/
RUN python -m venv /opt/builder && /opt/builder/bin/pip install --require-hashes -r requirements/build.txt
RUN python -m venv /opt/stackd && /opt/stackd/bin/pip install --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY examples ./examples
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/stackd/bin/pip install --no-deps --no-index dist/stackd-*.whl \
 && /opt/stackd/bin/pip uninstall --yes pip setuptools \
 && /opt/stackd/bin/python -m compileall -q /opt/stackd

FROM python:3.11-slim-bookworm
COPY --from=build /opt/stackd /opt/stackd
RUN useradd --uid 10001 --no-log-init --no-create-home --home-dir /var/lib/stackd --shell /usr/sbin/nologin stackd \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/stackd
# A container is reached from outside of it, so it listens on all of its own interfaces.
ENV PATH=/opt/stackd/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STACKD_DATABASE__URL=sqlite:////var/lib/stackd/stackd.db \
    STACKD_API__NATIVE__HOST=0.0.0.0 \
    STACKD_API__CFN__HOST=0.0.0.0 \
    STACKD_API__CLOUDWATCH__HOST=0.0.0.0 \
    STACKD_LOG__FORMAT=json
USER 10001:10001
WORKDIR /var/lib/stackd
VOLUME /var/lib/stackd
EXPOSE 8004 8000 8003
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8004/healthcheck', timeout=4)"]
ENTRYPOINT ["stackd"]
CMD ["serve"]
