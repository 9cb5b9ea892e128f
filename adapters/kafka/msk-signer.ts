// What signs tokens for MSK, to be loaded when it is asked for. Named here once: in a bundle a CommonJS package that is asked for shows no names.
export { generateAuthToken, generateAuthTokenFromCredentialsProvider } from 'aws-msk-iam-sasl-signer-js';
