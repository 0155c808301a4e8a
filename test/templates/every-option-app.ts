import { App, Stack } from 'aws-cdk-lib';
import { Switchboard } from '../../lib/cdk/index.ts';
import { everyDelivery, everyOption } from '../cdk/every-option.ts';

const stack = new Stack(new App(), 'EveryOption');
const switchboard = new Switchboard(stack, 'Switchboard', everyOption(stack));
everyDelivery({ switchboard, stack });
