// Traces of Lambda functions, by Powertools: beneath a request's segment one for our handler, and beneath that one for each call to another service.
import middy from '@middy/core';
import type { Context } from 'aws-lambda';

type Handler<Event, Answer> = (event: Event, context: Context) => Promise<Answer>;

/** Lambda sets it for each request: `Root=…;Parent=…;Sampled=1`. */
const traceVariable = '_X_AMZN_TRACE_ID';
/** Powertools' own switch. */
const switchVariable = 'POWERTOOLS_TRACE_ENABLED';
const isTraced = ({ env } = process): boolean =>
  /(^|;)Sampled=1(;|$)/.test(env[traceVariable] ?? '') && env[switchVariable] !== 'false';

/**
 * What traces is loaded by the first request that is to be traced: it takes a third of what the whole API takes to start,
 * and makes each promise dearer from then on. It replaces what `http` and `https` make requests by, so clients that were
 * made before are traced too. Answers stay out of traces; of errors, kind and message are in them. A request is served without a tracer that cannot be loaded.
 */
export function traced<Event, Answer>(service: string, handle: Handler<Event, Answer>): Handler<Event, Answer> {
  let opened: Promise<Handler<Event, Answer>> | null = null;
  let hasServed = false;
  return async (event, context) => {
    const isFirst = !hasServed;
    hasServed = true;
    if (!isTraced()) return await handle(event, context);
    opened ??= withTracer(service, handle, isFirst).catch(() => handle);
    const handler = await opened;
    return await handler(event, context);
  };
}

async function withTracer<Event, Answer>(
  service: string,
  handle: Handler<Event, Answer>,
  isFirst: boolean,
): Promise<Handler<Event, Answer>> {
  const { Tracer } = await import('@aws-lambda-powertools/tracer');
  const { captureLambdaHandler } = await import('@aws-lambda-powertools/tracer/middleware');
  /** Its first request need not be the instance's. */
  class LateTracer extends Tracer {
    constructor() {
      super({ serviceName: service });
      this.coldStart &&= isFirst;
    }
  }
  const layer = captureLambdaHandler(new LateTracer(), { captureResponse: false });
  return middy<Event, Answer>(handle).use(layer as never) as unknown as Handler<Event, Answer>;
}
