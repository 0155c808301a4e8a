# The bundled ingester on the official image. There is no RUN step, so any machine can build the image for ARM64.
# Pinned to the multi-platform index that Docker built on 2026-09-19, which contains linux/arm64 (source:
# https://github.com/docker-library/repo-info/blob/master/repos/node/remote/24.21.0-slim.md). To update the image and
# its Debian packages, replace tag and digest; this command prints the digest of a tag:
#   docker buildx imagetools inspect node:24.21.0-slim --format '{{.Manifest.Digest}}'
FROM node:24.21.0-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
ENV NODE_ENV=production
WORKDIR /app
COPY main.mjs main.mjs.map ./
USER node
# Exec form, so that Node.js receives SIGTERM and drains.
ENTRYPOINT ["node", "--enable-source-maps", "main.mjs"]
