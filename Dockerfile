# The gateway with its bundled implementations.
#
#   docker build -t genservers .
#   docker run --rm -p 3000:3000 --read-only genservers
#
# With implementations of your own, which may be TypeScript and need no build:
#
#   docker run --rm -p 3000:3000 -v ./my-servers:/implementations:ro -e GENSERVERS_IMPLEMENTATIONS=/implementations genservers
#
# (`/app/dist/program/implementations:/implementations` keeps the bundled ones beside them.) Everything that can be set is told by
# `docker run --rm genservers node dist/program/main.js --help`.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY .ci/prune.mjs .ci/bundle.mjs .ci/
COPY src src
COPY routes routes
COPY implementations implementations
RUN npm run build && npm prune --omit=dev

FROM node:24-slim
ENV NODE_ENV=production
# A container is reached from outside of it. The port is 3000 unless GENSERVERS_PORT or PORT says otherwise.
ENV GENSERVERS_HOST=0.0.0.0
WORKDIR /app
# What durable servers keep: give it a volume.
ENV GENSERVERS_DATA=/data
RUN mkdir /data && chown node:node /data
# Owned by root: what runs cannot change its own code.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.GENSERVERS_PORT || process.env.PORT || 3000}/health/ready`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/program/main.js"]
