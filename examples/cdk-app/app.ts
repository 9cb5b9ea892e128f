// An application's own CDK app: what it reads and where it sends it stands beside the rest of its infrastructure.
import { App, Stack } from 'aws-cdk-lib';
import { Route, Stream } from 'millrace/cdk';

export function exampleApp(app = new App()): App {
  const stack = new Stack(app, 'Playback');
  const events = new Stream(stack, 'Events', {
    ...{ name: 'playback-events', owner: 'playback' },
    partitions: 8,
    retention: '48h',
    schema: { fields: { id: 'text', ts: 'timestamptz', type: 'text', country: 'text' } },
    ...{ eventTime: 'ts', key: 'id' },
  });
  new Route(stack, 'Plays', {
    ...{ name: 'plays', owner: 'playback', from: events },
    where: "type IN ('play', 'stop')",
    select: 'id, ts, upper(country) AS country',
    to: [{ name: 'out', stream: 'plays', key: 'country' }],
    tests: [
      {
        name: 'keeps what was played',
        given: [
          { id: 'a', type: 'play', country: 'us', ts: '2026-01-01T00:00:00Z' },
          { id: 'b', type: 'browse' },
        ],
        expect: [{ id: 'a', country: 'US' }],
      },
    ],
  });
  return app;
}

if (import.meta.main) exampleApp().synth();
