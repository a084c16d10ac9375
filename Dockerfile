# A release pins it by digest: scripts/image.sh.
ARG NODE_IMAGE=node:26-trixie-slim
# That of package.json, which a Dockerfile cannot read: `npm version` changes both, and the build stops where they differ.
ARG VERSION=0.1.0

FROM ${NODE_IMAGE} AS build
ARG VERSION
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN test "$VERSION" = "$(node -p 'require("./package.json").version')" \
 || { echo "VERSION is $VERSION, and package.json says otherwise: npm version changes both" >&2; exit 1; }
RUN npm ci --ignore-scripts
COPY build.mjs ./
COPY build build
COPY core core
COPY handlers handlers
COPY adapters adapters
RUN node build.mjs

FROM ${NODE_IMAGE} AS program
# The operator looks into the database with this, beside the running server.
RUN apt-get update \
 && apt-get install -y --no-install-recommends sqlite3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# Like /tmp, so that any user may run the image; a new volume takes this over.
RUN install -d -m 1777 /data
COPY --from=build --chmod=0755 /src/dist/quota-proxy.mjs /app/
COPY --from=build /src/dist/*.node /src/dist/sbom.cdx.json /src/dist/THIRD-PARTY-NOTICES.txt /app/
COPY LICENSE /app/
RUN ln -s /app/quota-proxy.mjs /usr/local/bin/quota-proxy
ARG NODE_IMAGE
ARG VERSION
LABEL org.opencontainers.image.title=quota-proxy \
      org.opencontainers.image.description="Share one upstream LLM key with many people: a self-hosted, OpenAI-compatible gateway that never overspends and never loses a count." \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.base.name=${NODE_IMAGE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8787 STORE_PATH=/data/quota.db
# A first round of 512 streams peaks at about 180 MB with a young generation of this size, at 207 MB with Node's
# own, which saves 3 % of CPU; half of it costs 5 % more of CPU, and at 256 connections 20 % (bench/).
ENV NODE_OPTIONS=--max-semi-space-size=16
# One heap for all threads: of several each keeps what it once needed. Saves 8 MB idle, 10 to 35 under load, and no
# CPU that was measured is its price (bench/).
ENV MALLOC_ARENA_MAX=1
# What V8 made of the program when the image was built: a start takes seven tenths of the time. It is of use to the user, the
# options and the kind of processor that it was made with; where one is another, the program is compiled at the start.
ENV NODE_COMPILE_CACHE=/app/compiled
USER node
WORKDIR /data
VOLUME /data
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --start-interval=1s \
  CMD ["quota-proxy", "healthcheck"]
CMD ["quota-proxy", "serve"]

FROM program AS started
ENV NODE_COMPILE_CACHE=/tmp/compiled
RUN export PORT=8786 STORE_PATH=/tmp/data/quota.db ADMIN_TOKEN="$(cat /proc/sys/kernel/random/uuid)" UPSTREAM_API_KEY=none UPSTREAM_CHECK=false \
 && { quota-proxy serve & } \
 && until NODE_COMPILE_CACHE= quota-proxy healthcheck; do kill -0 $! || exit 1; sleep 0.1; done \
 && kill $! && wait $!

FROM program
# Nobody's to change who runs the program.
COPY --from=started --chown=0:0 --chmod=0755 /tmp/compiled /app/compiled
