# The service in a container. Settings: mount a file and name it in RINGAWAY_CONFIG, or set variables
# (`ringaway config docs` lists them). Data: /var/lib/ringaway. See config/compose.yaml.
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
RUN ln -s /opt/ringaway/dist/cli/ringaway.js /usr/local/bin/ringaway \
  && install -d -o node -g node -m 700 /var/lib/ringaway
USER node
# Without a settings file relative paths start here.
WORKDIR /var/lib/ringaway
# In a container the loopback of the defaults reaches nobody.
ENV RINGAWAY_SIP_LISTEN="[udp://0.0.0.0:5060, tcp://0.0.0.0:5060]" \
  RINGAWAY_HTTP_LISTEN=0.0.0.0:8080 \
  RINGAWAY_STORE_PATH=/var/lib/ringaway
VOLUME /var/lib/ringaway
EXPOSE 5060/udp 5060/tcp 8080/tcp
HEALTHCHECK --interval=15s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/opt/ringaway/dist/cli/ringaway.js"]
CMD ["serve"]
