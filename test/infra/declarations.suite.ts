// `Stream` and `Route` in an application's own stack: what the template says, and what is told while it is synthesized.

import { expect, test } from '@jest/globals';
import { CfnParameter, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { declarationsFunction } from '#core/names.ts';
import { parseDocument } from '#core/spec/parse-document.ts';
import { Route } from '#infra/library/route.ts';
import { Stream } from '#infra/library/stream.ts';
import { anApp, sharedPlatform } from '#test/support/synth-platform.ts';
import { exampleApp } from '../../examples/cdk-app/app.ts';

const owner = 'playback';
const aStack = (): Stack => new Stack(anApp(), 'Application');

interface Custom {
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy: string;
  readonly Properties: { readonly Declaration: string; readonly ServiceToken: unknown };
}
const resources = (stack: Stack, type: string): readonly (readonly [string, Custom])[] =>
  Object.entries(Template.fromStack(stack).findResources(type)) as unknown as (readonly [string, Custom])[];

export function declarationsSuite(): void {
  test('the example app declares a stream and a route that the platform takes, the route after the stream', () => {
    const stack = exampleApp(anApp()).node.findChild('Playback') as Stack;
    const [[streamId, stream] = []] = resources(stack, 'Custom::MillraceStream');
    const [[, route] = []] = resources(stack, 'Custom::MillraceRoute');
    for (const { Properties } of [stream!, route!])
      expect(parseDocument(JSON.parse(Properties.Declaration))).toMatchObject({ ok: true });
    expect(route!.DependsOn).toContain(streamId);
    expect([stream!.DeletionPolicy, route!.DeletionPolicy]).toEqual(['Retain', 'Delete']);
    expect(JSON.stringify(stream!.Properties.ServiceToken)).toContain(`:function:${declarationsFunction}`);
  });

  test('the service token that they name is that of the platform, and its function may ask the API and no more', () => {
    const template = sharedPlatform('prod').template('controlPlane');
    template.hasResourceProperties('AWS::Lambda::Function', { FunctionName: declarationsFunction });
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'millrace-declare',
      Environment: { Variables: { MILLRACE_API_FUNCTION: Match.anyValue() } },
    });
  });

  test('a mistyped field fails the synth with the path, the problem and the nearest name', () => {
    const wrong = { name: 'plays', owner, partitionz: 3 } as never;
    expect(() => new Stream(aStack(), 'Plays', wrong)).toThrow(/Plays: spec\.partitionz: unknown field.*partitions/);
    expect(() => new Route(aStack(), 'Bad', { name: 'bad', owner, from: 'events', to: [{ name: 'out' }] })).toThrow(
      /spec\.to\[0\].*expected exactly one of/s,
    );
  });

  test('a value that CloudFormation knows only later is left to the platform to check', () => {
    const stack = aStack();
    const url = new CfnParameter(stack, 'Url').valueAsString;
    new Route(stack, 'Hook', { name: 'hook', owner, from: 'events', to: [{ name: 'out', http: { url } }] });
    const [[, route] = []] = resources(stack, 'Custom::MillraceRoute');
    expect(JSON.stringify(route!.Properties.Declaration)).toContain('{"Ref":"Url"}');
  });
}
