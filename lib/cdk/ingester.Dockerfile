# The bundled ingester on the official image. There is no RUN step, so any machine can build the image for ARM64.
FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY main.mjs main.mjs.map ./
USER node
# Exec form, so that Node.js receives SIGTERM and drains.
ENTRYPOINT ["node", "--enable-source-maps", "main.mjs"]
