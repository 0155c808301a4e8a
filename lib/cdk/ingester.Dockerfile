# One bundled file on the official image. Nothing runs while it is built, so that any machine builds it for ARM.
FROM node:24.21.0-slim
ENV NODE_ENV=production
WORKDIR /app
COPY main.mjs main.mjs.map ./
USER node
# Exec form: SIGTERM reaches Node itself, which then drains.
ENTRYPOINT ["node", "--enable-source-maps", "main.mjs"]
