// A declared sink becomes the sink of a job's goal.
import type { RoutePlanner, RouteProgram } from '#core/expression/index.ts';
import { planTable } from '#core/graph/check-warehouse.ts';
import type { PlatformSettings } from '#core/graph/platform-settings.ts';
import { isAvailable, type World } from '#core/graph/world.ts';
import { compileFormat } from '#core/job/format-goal.ts';
import type { SinkGoal } from '#core/job/sink-goal.ts';
import { tableKeys, topicOfStream } from '#core/names.ts';
import { indexTimeText } from '#core/spec/sinks/index-pattern.ts';
import { keyColumn, type SinkSpec } from '#core/spec/sinks/sink-spec.ts';

export interface SinkContext {
  readonly tenant: string;
  readonly program: RouteProgram;
  readonly settings: PlatformSettings;
  readonly plan: RoutePlanner;
  readonly world: World;
}

/** Null where the platform lacks what the declaration leaves to it. */
export function compileSink(sink: SinkSpec, context: SinkContext): SinkGoal | null {
  const { program, tenant, settings, plan } = context;
  const keyed = keyColumn(sink) !== null;
  const { networks, openSearchUrl } = settings.sinks;
  switch (sink.kind) {
    case 'stream': {
      const stream = context.world.streams.get(sink.stream);
      const goal = {
        ...({ kind: 'stream', stream: sink.stream, topic: topicOfStream(tenant, sink.stream), keyed } as const),
        ...(isAvailable(stream) ? ({ acks: 'leader' } as const) : {}),
      };
      const declared = stream?.document?.spec.format ?? null;
      if (declared === null) return goal;
      const format = compileFormat(declared, sink.stream, settings.sinks);
      return format === null ? null : { ...goal, format };
    }
    case 'opensearch': {
      const { kind, index, batch, auth } = sink;
      const url = sink.url ?? openSearchUrl;
      const text = indexTimeText(index);
      const planned = text === null ? null : plan({ select: text }, program.output, { validate: 'read' });
      if (url === null || planned?.ok === false) return null;
      return { kind, keyed, url, networks, index, indexTime: planned?.value ?? null, batch, auth };
    }
    case 'http': {
      const { name: _name, ...wishes } = sink;
      return { ...wishes, networks, keyed };
    }
    case 'warehouse': {
      const table = planTable(sink, program, '');
      const { output } = program;
      if (!table.ok || output === null) return null;
      const { kind, roll, compression } = sink;
      const prefix = tableKeys.data(tenant, sink.table);
      return { ...{ kind, table: sink.table, prefix, roll, compression, row: output, keyed }, ...table.value };
    }
  }
}
