// Routes that cannot be carried out by this version, or on this platform, with why: what runs of them is left alone.
import type { JobEntry } from '#core/graph/platform-goal.ts';
import type { World } from '#core/graph/world.ts';
import { jobName } from '#core/names.ts';
import type { SpecProblem } from '#core/spec/problem.ts';
import { sinkStreams } from '#core/spec/sinks/sink-spec.ts';

type Problems = ReadonlyMap<string, readonly SpecProblem[]>;

/** By name, of those that no job is made of. `unread`: streams whose declarations this version does not understand. */
export function refusedRoutes({ routes }: World, unread: ReadonlySet<string>): Problems {
  const refused = new Map<string, readonly SpecProblem[]>();
  for (const [name, { document, problems }] of routes) {
    const { from, sinks } = document.spec;
    const streams = [from, ...sinkStreams(sinks)].filter((stream) => unread.has(stream));
    const found = [...problems, ...streams.map(ofUnread)];
    if (found.length > 0) refused.set(name, found);
  }
  return refused;
}

const ofUnread = (stream: string): SpecProblem => ({
  path: 'spec',
  message: `stream ${stream} is declared in a way that this version does not understand`,
  fix: 'go back to the version that it was declared with, or declare the stream again',
});

/**
 * By name, of those that lack the job of a sink: the platform was started without what the declaration leaves to it, a cluster or a
 * registry. The other sinks' jobs are made; that one is missing is nobody's wish.
 */
export function lackingRoutes(world: World, routes: ReadonlyMap<string, unknown>, jobs: readonly JobEntry[]): Problems {
  const made = new Set(jobs.map(({ goal }) => goal.name));
  const lacking = new Map<string, readonly SpecProblem[]>();
  for (const name of routes.keys()) {
    const sinks = world.routes.get(name)?.document.spec.sinks ?? [];
    const found = sinks.flatMap((sink, index) => (made.has(jobName(name, sink.name)) ? [] : [ofLacking(index)]));
    if (found.length > 0) lacking.set(name, found);
  }
  return lacking;
}

const ofLacking = (index: number): SpecProblem => ({
  path: `spec.to[${index}]`,
  message: 'this platform has no cluster or schema registry of its own, which the sink, or the source, leaves to it',
  fix: 'start the platform with it, or name it in the declaration',
});
