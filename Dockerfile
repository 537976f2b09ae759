# The program `conclave`, with nothing that only developing needs. Build: docker build --tag conclave .
# The version of Node is the one that the tests run on. Pin the digest that you have verified as well:
#   docker build --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:… --tag conclave .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && node scripts/image-manifest.ts /production

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /production
COPY --from=build /production/package.json /production/package-lock.json ./
# No package of these has a script that must run at its installation.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
# npm and yarn are for building; a member needs neither.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
# A user of its own, by number, so that Kubernetes can see that it is not root. /var/lib/conclave is all it may write to:
# the member keeps its things in .conclave there, where `docker exec … conclave status` finds them.
RUN groupadd --gid 10001 conclave \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin conclave \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/conclave
WORKDIR /opt/conclave
COPY --from=dependencies /production ./
COPY --from=build /build/dist ./dist
COPY --from=build /build/machines ./machines
COPY --from=build /build/visualizations/viewer.html ./visualizations/viewer.html
COPY --from=build /build/scripts/image-health.ts ./image-health.ts
RUN ln -s /opt/conclave/dist/src/cli/main.js /usr/local/bin/conclave && chmod 0755 dist/src/cli/main.js
USER 10001:10001
WORKDIR /var/lib/conclave
VOLUME /var/lib/conclave
EXPOSE 8080 8081
# Only what Docker itself runs looks at this; Kubernetes has probes of its own. It asks the member where it listens.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/opt/conclave/image-health.ts"]
# node is the first process itself, with no shell before it, so that SIGTERM reaches it and it hands over.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/conclave/dist/src/cli/main.js"]
CMD ["up", "--config", "/etc/conclave/conclave.hcl"]
