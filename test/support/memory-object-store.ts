// An object store in memory, held to the same contract as the real one: for simulations of the control loop.
import type { ObjectStore } from '#core/ports/object-store.ts';

export function createMemoryObjectStore(): ObjectStore {
  const objects = new Map<string, Uint8Array>();
  return {
    put: async (key, bytes, { ifAbsent = false } = {}) => {
      if (ifAbsent && objects.has(key)) return 'exists';
      objects.set(key, new Uint8Array(bytes));
      return 'stored';
    },
    copy: async (from, to) => {
      const bytes = objects.get(from);
      if (bytes === undefined) return 'missing';
      objects.set(to, bytes);
      return 'copied';
    },
    get: async (key) => {
      const bytes = objects.get(key);
      return bytes === undefined ? null : new Uint8Array(bytes);
    },
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
    remove: async (key) => {
      objects.delete(key);
    },
  };
}
