import type { App } from 'aws-cdk-lib';

/** What the command line and the environment say for one deployment, over what is written in the app. */
export interface Overrides {
  genesysDomain?: string;
  secret?: string;
  forEmulator?: boolean;
}

/**
 * `-c genesysDomain=…` or `GENESYS_DOMAIN`, `-c secret=…` or `GENESYS_SECRET_NAME`, `-c emulator=true`; the command
 * line goes before the environment. Spread it over the props of a Switchboard.
 */
export function overrides(
  app: App,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Overrides {
  const given = (key: string, variable: string) =>
    text(app.node.tryGetContext(key)) ?? text(environment[variable]);
  const genesysDomain = given('genesysDomain', 'GENESYS_DOMAIN');
  const secret = given('secret', 'GENESYS_SECRET_NAME');
  return {
    ...(genesysDomain ? { genesysDomain } : {}),
    ...(secret ? { secret } : {}),
    ...(text(app.node.tryGetContext('emulator')) === 'true' ? { forEmulator: true } : {}),
  };
}

function text(value: unknown): string | undefined {
  return value === undefined || value === '' ? undefined : String(value);
}
