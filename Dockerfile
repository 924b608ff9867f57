# SPDX-License-Identifier: Apache-2.0
# Build:  docker build -t glance-intake .
# Run:    docker run -p 9292:9292 -v "$PWD/glance-intake:/etc/glance-intake:ro" glance-intake
# The mounted folder holds glance-intake.conf (with Glance's endpoint) and policy.yaml; without it
# the samples of config/ apply. Stop with a grace period as long as uploads may take to finish
# (drain_timeout): docker stop --time 21600.

FROM debian:bookworm-slim AS build
WORKDIR /source
COPY tests/install tests/packages tests/
RUN apt-get update -qq && tests/install build
COPY CMakeLists.txt ./
COPY config config
COPY include include
COPY proxy proxy
RUN cmake -S . -B build -G Ninja -DINTAKE_TESTS=OFF -DCMAKE_INSTALL_PREFIX=/usr \
    && cmake --build build \
    && DESTDIR=/installed cmake --install build --strip

# The small Glance of the tests, for config/examples/compose.yaml: docker build --target small-glance .
FROM build AS small-glance
COPY tests tests
RUN cmake -S . -B build -DINTAKE_TESTS=ON \
    && cmake --build build --target small-glance \
    && install -d -m 0700 -o 10001 -g 10001 /images
USER 10001:10001
EXPOSE 9393
ENTRYPOINT ["/source/build/tests/small-glance"]

FROM debian:bookworm-slim
RUN apt-get update -qq \
    && apt-get install -qq --yes --no-install-recommends \
        ca-certificates libcurl4 libgnutls30 libinih1 libjansson4 libmicrohttpd12 libssl3 \
        libsystemd0 libuuid1 libyaml-0-2 libarchive13 zlib1g liblzma5 libzstd1 libbz2-1.0 libxxhash0 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /installed/usr/bin/glance-intake /usr/bin/
COPY --from=build /installed/etc/glance-intake /etc/glance-intake
# Uploads without a length are kept here: mount a disk with room for spool_limit.
RUN install -d -m 0700 -o 10001 -g 10001 /var/spool/glance-intake
VOLUME /var/spool/glance-intake
# A number, so that an orchestrator can tell that it is not root.
USER 10001:10001
EXPOSE 9292
# The admin listener is on 127.0.0.1 inside the container; bash asks it, so that no client need be
# installed for this alone.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/bin/bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/9294 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [[ $status == 200 ]]"]
ENTRYPOINT ["/usr/bin/glance-intake"]
