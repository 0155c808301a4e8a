# The bundled ingester on the official image. There is no RUN step, so any machine can build the image for ARM64.
# To pin the image by its digest, append the output of this command to the tag, after @, with the date as a comment:
#   docker buildx imagetools inspect node:24.21.0-slim --format '{{.Manifest.Digest}}'
FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY main.mjs main.mjs.map ./
USER node
# Exec form, so that Node.js receives SIGTERM and drains.
ENTRYPOINT ["node", "--enable-source-maps", "main.mjs"]
