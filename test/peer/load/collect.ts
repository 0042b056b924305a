// Loaded into the service's process by the load test (--import, with --expose-gc): on SIGUSR2 it collects its garbage and
// says how large its heap is then.
process.on('SIGUSR2', () => {
  // Weak references and finalizers need a turn of the event loop between two collections.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    process.stderr.write(`collected: ${process.memoryUsage().heapUsed} octets\n`);
  });
});
