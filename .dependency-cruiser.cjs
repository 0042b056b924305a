// The dependency laws of the design (section 4), checked by scripts/check.
/** @type {import('dependency-cruiser').IConfiguration} */
const adapters = '^src/(trunk|terminals|media|store|admin)/';
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'shared-is-the-bottom',
      comment: 'shared/ imports nothing of ours',
      severity: 'error',
      from: { path: '^src/shared/' },
      to: { path: '^src/', pathNot: '^src/shared/' },
    },
    {
      name: 'sip-imports-only-shared',
      severity: 'error',
      from: { path: '^src/sip/' },
      to: { path: '^src/', pathNot: '^src/(sip|shared)/' },
    },
    {
      name: 'numbers-imports-only-shared-and-the-message-syntax',
      comment: 'one parser for SIP syntax: numbers/ reads messages through sip/message/, and nothing else of sip/',
      severity: 'error',
      from: { path: '^src/numbers/' },
      to: { path: '^src/', pathNot: '^src/(numbers|shared|sip/message)/' },
    },
    {
      name: 'call-reaches-the-outside-through-its-ports',
      severity: 'error',
      from: { path: '^src/call/' },
      to: { path: '^src/', pathNot: '^src/(call|numbers|shared)/' },
    },
    {
      name: 'call-imports-no-library-of-the-outside',
      severity: 'error',
      from: { path: '^src/call/' },
      to: { path: 'node_modules/(drachtio-srf|socket.io|mongodb|rtpengine-client|fastify)/' },
    },
    ...['trunk', 'terminals', 'media', 'store', 'admin'].map((adapter) => ({
      name: `${adapter}-knows-no-other-adapter`,
      severity: 'error',
      from: { path: `^src/${adapter}/` },
      to: { path: adapters, pathNot: `^src/${adapter}/` },
    })),
    {
      name: 'adapters-do-not-import-what-is-above-them',
      severity: 'error',
      from: { path: adapters },
      to: { path: '^src/(main\\.ts|cli/|simulate/|config(\\.ts|/))' },
    },
    {
      name: 'trunk-is-the-only-importer-of-drachtio-srf',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/trunk/' },
      to: { path: 'node_modules/drachtio-srf/' },
    },
    {
      name: 'media-is-the-only-importer-of-rtpengine-client',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/media/' },
      to: { path: 'node_modules/rtpengine-client/' },
    },
    {
      name: 'no-production-code-without-its-package',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
