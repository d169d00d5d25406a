import { expect, it } from 'vitest';
import { isOrigin } from '../../contract/origin.ts';

it.each([
  'https://kiosk.example.com',
  'https://kiosk.example.com:8443',
  'https://kiosk.example.com:80',
  'http://localhost:8080',
  'http://127.0.0.1:3000',
  'http://[::1]:3000',
  'https://xn--bcher-kva.example',
  'app://panel',
  'capacitor://localhost',
  'https://a',
])('%s is an origin', (text) => {
  expect(isOrigin(text)).toBe(true);
});

it.each([
  '',
  'null',
  '*',
  'kiosk.example.com',
  'https://',
  'https://kiosk.example.com/',
  'https://kiosk.example.com:443',
  'http://kiosk.example.com:80',
  'https://kiosk.example.com:',
  'https://*.example.com',
  'https://Kiosk.example.com',
  'HTTPS://kiosk.example.com',
  'https://user@kiosk.example.com',
  'https://kiosk.example.com?a',
  'https://kiosk.example.com#a',
  'https://kiosk.example.com\n',
  'https://bücher.example',
  'file://',
  'file://host',
  `https://${'a'.repeat(300)}`,
])('%j is none', (text) => {
  expect(isOrigin(text)).toBe(false);
});

it('agrees with the browsers where it is about addresses of the web', () => {
  for (const text of ['https://kiosk.example.com', 'http://localhost:8080', 'http://[::1]:3000', 'https://kiosk.example.com:80'])
    expect(new URL(text).origin).toBe(text);
});
