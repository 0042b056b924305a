// Loaded into the service under measurement (--import, with --expose-gc): on SIGUSR2 it collects its garbage and says what
// memory it takes then.
process.on('SIGUSR2', () => {
  // Weak references and finalizers need a turn of the event loop between two collections.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.stderr.write(`memory: ${heapUsed + external} ${rss}\n`);
  });
});
