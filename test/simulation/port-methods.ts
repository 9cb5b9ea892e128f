// What the ports' calls do, for the network that carries them: reads, and calls with an effect.
import type { MethodKind } from './network.ts';

export type Methods = Readonly<Record<string, MethodKind>>;

export const goalMethods: Methods = {
  snapshot: 'read',
  read: 'read',
  revisions: 'read',
  changedSince: 'read',
  hashAt: 'read',
  freeze: 'effect',
  finishOperation: 'effect',
  appendEvents: 'effect',
  confirmRemoved: 'effect',
};
export const taskMethods: Methods = { list: 'read', lastLines: 'read', run: 'effect', stop: 'effect' };
export const brokerMethods: Methods = {
  ...{ describe: 'read', list: 'read', positions: 'read', create: 'effect', grow: 'effect' },
  ...{ configure: 'effect', remove: 'effect' },
};
export const workerMethods: Methods = {
  ...{
    beat: 'effect',
    view: 'read',
    listHeartbeats: 'read',
    fence: 'effect',
    remove: 'effect',
    lead: 'effect',
    setLive: 'effect',
  },
  ...{ resignLead: 'effect', assign: 'effect', clear: 'effect' },
};
export const splitMethods: Methods = {
  ...{ list: 'read', create: 'effect', claim: 'effect', commit: 'effect', release: 'effect' },
  ...{ place: 'effect', clear: 'effect' },
};
export const controlMethods: Methods = { read: 'read', list: 'read', write: 'effect', remove: 'effect' };
export const objectMethods: Methods = { put: 'effect', get: 'read', list: 'read', remove: 'effect' };
