// What was last declared, kept beside the platform from what it answered: the oracle's own memory of what is wanted.

import type { Step } from './declarations.ts';
import type { DeclaredWorld } from './declared-world.ts';

type Asked = Extract<Step, { readonly ask: string }>;

export interface Declared {
  readonly apiVersion: string;
  readonly kind: 'Stream' | 'Route';
  readonly metadata: { readonly name: string; readonly owner: string; readonly labels?: object };
  readonly spec: { readonly to?: readonly { readonly name: string }[] };
}

/** Overrides and pauses are of one life of a route: they come back with it, and with nothing else of its name. */
interface Life {
  readonly declared: Declared;
  /** By `<job>/config/<key>`; `until` is when it ends by itself. */
  readonly overrides: Map<string, { readonly content: object; readonly until: number }>;
  readonly paused: Map<string, boolean>;
}

const kinds = { streams: 'Stream', routes: 'Route' } as const;
const overrideMs: Readonly<Record<string, number>> = { '20m': 20 * 60_000, '30d': 30 * 86_400_000 };

export class LastGoals {
  readonly #lives = new Map<string, Life>();
  readonly #ended = new Map<string, Life>();
  readonly #teams = new Map<string, object>();

  get documents(): readonly Declared[] {
    return [...this.#lives.values()].map(({ declared }) => declared);
  }

  /** What was asked for counts where the platform has taken it. */
  async taken({ ask, body }: Asked, world: DeclaredWorld): Promise<void> {
    const [method = '', target = ''] = ask.split(' ');
    const path = target.split('?')[0]!;
    const [, , what = '', subject = '', verb = '', key = ''] = path.split('/').map(decodeURIComponent);
    const content = body === undefined ? {} : JSON.parse(body);
    if (what === 'apply') for (const one of content.documents) this.#declare(one);
    if (what === 'jobs') this.#ofJob({ job: subject, verb, key, method, content, now: world.now });
    if (what === 'teams') this.#ofTeam(`${subject}/config/${key}`, method, content);
    if (what !== 'streams' && what !== 'routes') return;
    const id = `${kinds[what]}/${subject}`;
    if (method === 'DELETE') this.#move(id, this.#lives, this.#ended);
    else if (verb === 'undelete') this.#move(id, this.#ended, this.#lives);
    else if (verb === 'rollback') this.#declare((await world.ask(`GET /v1/routes/${subject}`)).json);
    else this.#declare(content);
  }

  #declare({ apiVersion, kind, metadata, spec }: Declared): void {
    const id = `${kind}/${metadata.name}`;
    const before = this.#lives.get(id) ?? { overrides: new Map(), paused: new Map() };
    this.#lives.set(id, { ...before, declared: { apiVersion, kind, metadata, spec } });
  }

  #move(id: string, from: Map<string, Life>, to: Map<string, Life>): void {
    to.set(id, from.get(id)!);
    from.delete(id);
  }

  #ofTeam(id: string, method: string, content: object): void {
    if (method === 'PUT') this.#teams.set(id, content);
    else this.#teams.delete(id);
  }

  #ofJob(asked: {
    readonly job: string;
    readonly verb: string;
    readonly key: string;
    readonly method: string;
    readonly content: { readonly kind?: string; readonly expiresIn?: string };
    readonly now: number;
  }): void {
    const { job, verb, key, method, content, now } = asked;
    const { overrides, paused } = this.#lives.get(`Route/${job.split('.')[0]}`)!;
    const id = `${job}/config/${key}`;
    if (verb === 'operations' && content.kind !== 'restart') paused.set(job, content.kind === 'pause');
    if (verb === 'config' && method === 'PUT')
      overrides.set(id, { content, until: now + overrideMs[content.expiresIn!]! });
    if (verb === 'config' && method === 'DELETE') overrides.delete(id);
  }

  /** The requests that make a world of it that has no past, by the same way. */
  requests(now: number): readonly Asked[] {
    const { documents } = this;
    const lives = [...this.#lives.values()];
    // What was said of a job stays with its route's life, also while the route lacks the sink.
    const jobs = new Set(
      documents.flatMap(({ metadata, spec }) => spec.to?.map(({ name }) => `${metadata.name}.${name}`) ?? []),
    );
    const overrides = lives
      .flatMap((life) => [...life.overrides])
      .filter(([id, { until }]) => until > now && jobs.has(id.split('/')[0]!));
    const paused = lives.flatMap((life) => [...life.paused]).filter(([job, isPaused]) => isPaused && jobs.has(job));
    return [
      ...(documents.length === 0 ? [] : [{ ask: 'POST /v1/apply', body: JSON.stringify({ documents }) }]),
      ...[...this.#teams].map(([id, content]) => ({ ask: `PUT /v1/teams/${id}`, body: JSON.stringify(content) })),
      ...overrides.map(([id, { content }]) => ({ ask: `PUT /v1/jobs/${id}`, body: JSON.stringify(content) })),
      ...paused.map(([job]) => ({ ask: `POST /v1/jobs/${job}/operations`, body: JSON.stringify({ kind: 'pause' }) })),
    ];
  }
}
