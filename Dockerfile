# Both stages are the same Debian, so that the Python the environment was made with is the one it runs on.
# A release pins it: docker build --build-arg BASE=debian:12-slim@sha256:...
ARG BASE=debian:12-slim

FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
# pip lives in an environment of its own and stays behind with this stage
RUN python3 -m venv /build/tools && python3 -m venv --without-pip /opt/alertd
WORKDIR /build/source
# "calendar" has what windows from a calendar need, too: docker build --build-arg PACKAGES=calendar
ARG PACKAGES=run
COPY requirements/run.txt requirements/calendar.txt requirements/build.txt requirements/
RUN /build/tools/bin/pip install --only-binary :all: --require-hashes -r requirements/build.txt \
 && /build/tools/bin/pip --python /opt/alertd/bin/python install --only-binary :all: --require-hashes \
    -r requirements/${PACKAGES}.txt
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY docs docs
COPY systemd systemd
COPY alertd alertd
RUN /build/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /build/dist . \
 && /build/tools/bin/pip --python /opt/alertd/bin/python install --no-deps --no-index /build/dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="alertd" \
      org.opencontainers.image.description="Webhook alerts in, exactly one Autotask PSA ticket per problem out" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 alertd \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/alertd --shell /usr/sbin/nologin alertd \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/alertd \
 && install -d -o root -g 10001 -m 0750 /etc/alertd
COPY --from=build /opt/alertd /opt/alertd
ENV PATH=/opt/alertd/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ALERTD_CONFIG=/etc/alertd/alertd.toml
# by number, so that an orchestrator can see that it is not root
USER 10001:10001
WORKDIR /var/lib/alertd
VOLUME /var/lib/alertd
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["alertd", "healthcheck"]
ENTRYPOINT ["alertd"]
CMD ["run"]
