// A template cut down to the resources that moto makes; what pointed to the others points to something of its form.

interface TemplateBody {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly DependsOn?: string | readonly string[] }>
  >;
}

/** Types that moto makes by CloudFormation and that can be looked at afterwards. */
export const deployable: readonly string[] = [
  'AWS::DynamoDB::Table',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::SNS::Topic',
  'AWS::Logs::LogGroup',
  'AWS::ECS::Cluster',
  'AWS::ECS::TaskDefinition',
  'AWS::EC2::VPC',
  'AWS::EC2::Subnet',
  'AWS::EC2::SecurityGroup',
  'AWS::Events::Rule',
  'AWS::IAM::Role',
];

export function withoutOthers({ Resources }: TemplateBody): TemplateBody {
  const kept = Object.entries(Resources).filter(([, { Type }]) => deployable.includes(Type));
  const ids = new Set(kept.map(([id]) => id));
  const body = kept.map(([id, { DependsOn, ...resource }]) => {
    const after = [DependsOn ?? []].flat().filter((other) => ids.has(other));
    return [id, { ...(pointElsewhere(resource, ids) as object), ...(after.length > 0 ? { DependsOn: after } : {}) }];
  });
  return { Resources: Object.fromEntries(body) };
}

const standIn = (reference: string): string =>
  `arn:aws:stand-in:us-east-1:123456789012:${reference.replaceAll(/[^A-Za-z0-9]/g, '-').slice(0, 60)}`;

function pointElsewhere(node: unknown, kept: ReadonlySet<string>): unknown {
  if (Array.isArray(node)) return node.map((each) => pointElsewhere(each, kept));
  if (typeof node !== 'object' || node === null) return node;
  const [[name, argument] = ['', null]] = Object.entries(node);
  if (name === 'Fn::ImportValue') return standIn(JSON.stringify(argument));
  if (name === 'Ref' && !String(argument).startsWith('AWS::') && !kept.has(String(argument)))
    return standIn(String(argument));
  if (name === 'Fn::GetAtt' && !kept.has((argument as string[])[0]!)) return standIn(String(argument));
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, pointElsewhere(value, kept)]));
}
