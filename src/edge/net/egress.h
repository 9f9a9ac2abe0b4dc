#pragma once
// Ways out of this machine other than the system's choice: from given local addresses, through a SOCKS5 proxy, or through a proxy
// that is told by a PROXY header from which of its addresses to connect.
//
// Each is a Dialer: owned by whoever chooses between them, usable on every loop, the stream belongs to the loop of the calling
// coroutine. What is dialled is the address that the caller chose: no proxy is given a name to look up.
// Errors: of the destination temporary, as every dialer's; of the way itself (see way_failed()) permanent.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "edge/net/socks5.h"
#include "edge/net/stream.h"

namespace godwit::net {

// Of each family the address to connect from; a family without one is not dialled.
struct LocalAddresses {
  std::optional<IpAddress> v4;
  std::optional<IpAddress> v6;

  const std::optional<IpAddress>& of(bool six) const { return six ? v6 : v4; }
};

struct ProxyHost {
  std::string host;  // name or IP address; looked up at each dial
  std::uint16_t port = 0;

  std::string text() const;  // "proxy.example.net:1080", "[::1]:1080"
};

using ResolveHost = std::function<Task<Result<std::vector<IpAddress>>>(std::string host)>;

// What a proxy's dialer needs; the clock and the dialer outlive it.
struct ProxyContext {
  Dialer& dialer;  // that reaches the proxy
  ResolveHost resolve;
  Clock& clock;
};

// Binds before it connects. The port is the system's to choose, and shared between destinations.
std::unique_ptr<Dialer> make_bound_dialer(LocalAddresses from);
// RFC 1928 CONNECT; with a login RFC 1929.
std::unique_ptr<Dialer> make_socks5_dialer(ProxyContext context, ProxyHost proxy, std::optional<Socks5Login> login);
// The proxy gets a PROXY header, version 2 (haproxy.org, proxy-protocol.txt 2.2): from that address it is to connect, and whereto. It
// answers nothing: a destination that it does not reach shows as a connection that ends.
std::unique_ptr<Dialer> make_proxy_header_dialer(ProxyContext context, ProxyHost proxy, LocalAddresses from);

// Nobody is to blame but this way: the address is not this machine's, the proxy does not answer or will not have us. Another destination
// would fare no better.
inline bool way_failed(const Error& error) { return error.kind == Error::Kind::permanent; }

// Whether a socket can be bound to it now; the error says why not and what to do.
Result<void> check_local_address(const IpAddress& address);

// The header itself; both of one family. proxy-protocol.txt 2.2; the source port is 0: any.
std::string proxy_header(const IpAddress& from, const Endpoint& to);

}  // namespace godwit::net
