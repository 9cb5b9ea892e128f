// The one file of kafkajs, beside what it exports, that kafkajs.ts corrects: what it uses of it.
declare module 'kafkajs/src/network/requestQueue/index.js' {
  // biome-ignore lint/style/noDefaultExport: it is kafkajs' own.
  export default class RequestQueue {
    constructor(options: {
      readonly requestTimeout: number;
      readonly enforceRequestTimeout: boolean;
      readonly isConnected: () => boolean;
      readonly logger: { readonly debug: (text: string) => void };
    });
    pending: unknown[];
    throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    maybeThrottle(forMs: number): void;
    scheduleCheckPendingRequests(): void;
    destroy(): void;
  }
}
