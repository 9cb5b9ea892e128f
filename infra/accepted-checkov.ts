// Findings of checkov in the synthesized templates that we leave as they are, each with its reason. What is not here fails `npm run deploy:check`.
import type { AcceptedFinding } from './accepted-findings.ts';

const ownFunctions = /^ControlPlane\/(Api|Reconcile|Nudge|Credentials|Migrate|Declare)\//;
/** What the CDK library brings for custom resources. */
const libraryFunctions =
  /^(ControlPlane\/(Migration|Declarations)\/|Data\/AWS679f53fac002430cb0da5b7982bd2287\/|Network\/Custom::VpcRestrictDefaultSG)/;
const runsInDeployment =
  "Code of the CDK library, called by CloudFormation only while a deployment runs; what fails is the deployment's failure.";

export const acceptedCheckov: readonly AcceptedFinding[] = [
  {
    rule: 'CKV_AWS_7',
    at: /^Data\/IdentityKey\//,
    why: 'An HMAC key, which KMS cannot rotate by itself; docs/operate/secrets.md says how it is replaced.',
  },
  {
    rule: 'CKV_AWS_18',
    at: /^Data\/Checkpoints\//,
    why: 'Access is recorded by CloudTrail data events (docs/operate/deploy.md), which name the session and so the job; server access logs do not.',
  },
  {
    rule: 'CKV_AWS_27',
    at: /^ControlPlane\/(Dead)?Nudges\//,
    why: "The rule knows KMS keys only: the queues are encrypted by SQS's own, and a message says which request changed something, nothing of what it held.",
  },
  {
    rule: 'CKV_AWS_111',
    at: /^ControlPlane\/(Api|Reconcile|Nudge|Credentials|Migrate|Declare)\/Role\//,
    why: "X-Ray and the network interfaces that Lambda makes know no narrower resource; the function's own code is denied the latter (test/infra/isolation.suite.ts).",
  },
  { rule: 'CKV_AWS_115', at: libraryFunctions, why: runsInDeployment },
  {
    rule: 'CKV_AWS_116',
    at: ownFunctions,
    why: 'Called synchronously (API Gateway, Step Functions, CloudFormation, a worker) or from a queue that has its own dead-letter queue: no failed call is dropped.',
  },
  { rule: 'CKV_AWS_116', at: libraryFunctions, why: runsInDeployment },
  {
    rule: 'CKV_AWS_117',
    at: libraryFunctions,
    why: 'Calls public AWS APIs only; it reaches nothing in the VPC.',
  },
  {
    rule: 'CKV_AWS_118',
    at: /^Data\/GoalStore\//,
    why: 'Serverless v2 instances: capacity and Performance Insights are watched; there is no host of ours to look at.',
  },
  {
    rule: 'CKV_AWS_119',
    at: /^Data\/(Splits|WorkerItems|Control)\//,
    why: "Encrypted by DynamoDB's own key: positions, leases and heartbeats, none of an event's content. A key of ours would have to be opened to every job.",
  },
  {
    rule: 'CKV_AWS_158',
    at: /Log\//,
    why: "Encrypted with the service's keys; no record and no secret is logged (test/integration/canary-secret.test.ts searches for one).",
  },
  {
    rule: 'CKV_AWS_173',
    at: ownFunctions,
    why: "Variables hold addresses, ARNs and names only, secrets come by reference; Lambda's own key encrypts them. A key of ours would be one more service that a start waits for.",
  },
  { rule: 'CKV_AWS_173', at: libraryFunctions, why: runsInDeployment },
];
