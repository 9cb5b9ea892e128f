// What `Stream` and `Route` share: a custom resource whose function is the platform's, and a declaration checked while it is synthesized.
import { ArnFormat, CustomResource, type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { declarationsFunction } from '#core/names.ts';
import { parseDocument } from '#core/spec/parse-document.ts';

export interface DeclarationProps {
  /** 1 to 40 characters, `^[a-z0-9](-?[a-z0-9])*$`. Another name replaces what was declared under the old one. */
  readonly name: string;
  /** The team that answers for it. */
  readonly owner: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What becomes of it when it leaves the template, or the stack goes. */
  readonly removalPolicy?: RemovalPolicy;
  /** Take over what is declared under this name already, by hand or by another stack. Default: the deployment fails. */
  readonly adopt?: boolean;
  /** Of a platform elsewhere than in the stack's account and region. */
  readonly serviceToken?: string;
}

interface DeclarationShape {
  readonly kind: 'Stream' | 'Route';
  readonly spec: object;
  readonly removalPolicy: RemovalPolicy;
}

export class Declaration extends Construct {
  /** The name, for who depends on it: CloudFormation carries the dependency out first. */
  readonly declaredName: string;
  readonly revision: string;
  readonly uid: string;

  constructor(scope: Construct, id: string, props: DeclarationProps, { kind, spec, removalPolicy }: DeclarationShape) {
    super(scope, id);
    const { name, owner, labels } = props;
    const metadata = { name, owner, ...(labels === undefined ? {} : { labels }) };
    const document = { apiVersion: 'millrace/v1', kind, metadata, spec };
    this.#check(document);
    const stack = Stack.of(this);
    const service = { service: 'lambda', resource: 'function', resourceName: declarationsFunction };
    const resource = new CustomResource(this, 'Resource', {
      serviceToken: props.serviceToken ?? stack.formatArn({ ...service, arnFormat: ArnFormat.COLON_RESOURCE_NAME }),
      resourceType: `Custom::Millrace${kind}`,
      removalPolicy,
      // One text: CloudFormation would make texts of the numbers and truths inside.
      properties: { Declaration: stack.toJsonString(document), Adopt: props.adopt ?? false },
    });
    this.declaredName = name;
    this.revision = resource.getAttString('Revision');
    this.uid = resource.getAttString('Uid');
  }

  /** What needs no platform to be told: a mistyped field fails the synth, and not the deployment half-way. */
  #check(document: object): void {
    if (Token.isUnresolved(document) || hasTokens(document)) return;
    const parsed = parseDocument(JSON.parse(JSON.stringify(document)));
    if (parsed.ok) return;
    const told = parsed.problem.map(({ path, message, fix }) => `${path}: ${message}${fix ? `; ${fix}` : ''}`);
    throw new Error(`${this.node.path}: ${told.join('\n  ')}`);
  }
}

const hasTokens = (value: unknown): boolean =>
  Token.isUnresolved(value) || (typeof value === 'object' && value !== null && Object.values(value).some(hasTokens));
