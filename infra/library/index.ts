// `millrace/cdk`: what a team's own CDK app imports.
export { type StageConfig, stages } from '../config.ts';
export { DeployRole, type DeployRoleProps } from '../deployer-stack.ts';
export { MillracePlatform, type MillracePlatformProps } from '../millrace-platform.ts';
export { bundlePrograms, type Programs } from '../programs.ts';
export { Route, type RouteProps, type RouteSink } from './route.ts';
export { Stream, type StreamProps } from './stream.ts';
