import { describe, expect, it } from 'vitest';
import { proxySelector } from '../../../agent-lite/http/proxy.ts';

const none = { proxyUrl: undefined, proxyFromEnvironment: false, noProxy: '' };
const chosen = (select: ReturnType<typeof proxySelector>, url: string): string | undefined => select(new URL(url))?.host;

describe('no_proxy', () => {
  const cases: [noProxy: string, url: string, direct: boolean][] = [
    ['*', 'http://a.test', true],
    ['a.test', 'http://a.test', true],
    ['a.test', 'http://b.a.test', true],
    ['a.test', 'http://ba.test', false],
    ['.a.test', 'http://b.a.test', true],
    ['.a.test', 'http://a.test', false],
    ['*.a.test', 'http://b.a.test', true],
    ['A.Test', 'http://a.TEST', true],
    ['a.test:8080', 'http://a.test:8080', true],
    ['a.test:8080', 'http://a.test', false],
    ['a.test:80', 'http://a.test', true],
    ['a.test:443', 'https://a.test', true],
    ['10.0.0.0/8', 'http://10.1.2.3:9100', true],
    ['10.0.0.0/8', 'http://11.1.2.3', false],
    ['10.0.0.1', 'http://10.0.0.1', true],
    ['10.0.0.1:81', 'http://10.0.0.1', false],
    ['fd00::/8', 'http://[fd00::1]:9100', true],
    ['fd00::1', 'http://[fd00::1]', true],
    ['10.0.0.0/99', 'http://10.0.0.1', false],
    ['x.test, a.test', 'http://a.test', true],
    ['x.test', 'http://localhost:9100', true],
    ['x.test', 'http://127.0.0.2', true],
    ['x.test', 'http://[::1]:9100', true],
    ['x.test', 'http://a.test', false],
  ];
  it.each(cases)('%s for %s: direct %s', (noProxy, url, direct) => {
    const select = proxySelector({ ...none, proxyUrl: 'http://proxy.test:3128', noProxy }, {});
    expect(chosen(select, url)).toBe(direct ? undefined : 'proxy.test:3128');
  });
});

it('proxy_url alone takes loopback addresses, too', () => {
  expect(chosen(proxySelector({ ...none, proxyUrl: 'http://proxy.test:3128' }, {}), 'http://127.0.0.1:9100')).toBe('proxy.test:3128');
});

describe('the environment', () => {
  const env = { HTTP_PROXY: 'http://one.test:1', https_proxy: 'two.test:2', NO_PROXY: 'direct.test' };
  it.each([
    ['http://a.test', 'one.test:1'],
    ['https://a.test', 'two.test:2'],
    ['http://direct.test', undefined],
    ['http://localhost', undefined],
  ])('for %s: %s', (url, proxy) => {
    expect(chosen(proxySelector({ ...none, proxyFromEnvironment: true }, env), url)).toBe(proxy);
  });

  it('counts only where it is asked for', () => {
    expect(chosen(proxySelector(none, env), 'http://a.test')).toBeUndefined();
  });
});

it.each(['socks5://proxy.test:1', 'http://', 'ftp://a'])('refuses %s without repeating it', (proxyUrl) => {
  expect(() => proxySelector({ ...none, proxyUrl }, {})).toThrow('proxy_url: expected http://host:port or https://host:port');
});
