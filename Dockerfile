# The service in a container. Settings: mount a file over /etc/ringaway/ringaway.yaml, or set variables
# (`docker run IMAGE config docs` lists them). Data: /var/lib/ringaway. See config/compose.yaml.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-progress
COPY tsconfig.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /opt/ringaway
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
COPY config ./config
COPY config/container.yaml /etc/ringaway/ringaway.yaml
RUN ln -s /opt/ringaway/dist/cli/ringaway.js /usr/local/bin/ringaway \
  && install -d -o node -g node -m 700 /var/lib/ringaway
USER node
WORKDIR /var/lib/ringaway
ENV RINGAWAY_CONFIG=/etc/ringaway/ringaway.yaml
VOLUME /var/lib/ringaway
EXPOSE 5060/udp 5060/tcp 8080/tcp
# Where http.listen is another port, the check needs to be told (docker run --health-cmd).
HEALTHCHECK --interval=15s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/ringaway/dist/cli/ringaway.js"]
CMD ["serve"]
