// Looks names up as the system does.
import { lookup } from 'node:dns';
import type { Resolve } from '#core/network/pinned-lookup.ts';

export const systemResolve: Resolve = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });
