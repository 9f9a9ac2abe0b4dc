#include "edge/net/egress.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "edge/net/file_descriptor.h"

namespace godwit::net {
namespace {

Error cancelled() { return Error::temporary(Error::Cause::cancelled, "cancelled"); }

// Reaches the proxy, says what it needs to hear, and hands its stream on.
class ThroughProxy : public Dialer {
 public:
  ThroughProxy(ProxyContext context, ProxyHost proxy) : context_(std::move(context)), proxy_(std::move(proxy)) {}

  Task<Result<std::unique_ptr<Stream>>> dial(Endpoint to, Duration timeout, Cancellation* cancel) override {
    const SteadyTime deadline = context_.clock.steady() + timeout;
    const std::string what = "connect to " + to.text() + ": ";
    auto reached = co_await reach(deadline, cancel);
    if (!reached) co_return fail(named(what, std::move(reached).error()));
    std::unique_ptr<Stream> stream = *std::move(reached);
    const Cancellation::Armed armed(cancel, [raw = stream.get()] { raw->cancel(); });
    const bool gone = cancel && cancel->cancelled();
    if (gone) co_return fail(named(what, cancelled()));
    auto led = co_await lead(*stream, to, deadline);
    if (!led) co_return fail(named(what, std::move(led).error()));
    co_return std::move(stream);
  }

 protected:
  const Clock& clock() const { return context_.clock; }

 private:
  virtual Task<Result<void>> lead(Stream& stream, Endpoint to, SteadyTime deadline) = 0;

  static Error named(const std::string& what, Error error) {
    error.text = what + error.text;
    return error;
  }
  Error not_reached(const Error& error) const {
    if (error.cause == Error::Cause::cancelled) return cancelled();
    return Error::permanent(error.cause, "the proxy " + proxy_.text() + " cannot be reached (" + error.text + ")");
  }
  Duration left(SteadyTime deadline) const { return std::max(Duration(1), deadline - context_.clock.steady()); }

  // Its addresses in the order of the resolver.
  Task<Result<std::unique_ptr<Stream>>> reach(SteadyTime deadline, Cancellation* cancel) {
    std::string host = proxy_.host;
    auto addresses = co_await context_.resolve(std::move(host));
    if (cancel && cancel->cancelled()) co_return fail(cancelled());  // and this dialer may be gone
    if (!addresses) co_return fail(not_reached(addresses.error()));
    Error last = Error::temporary(Error::Cause::not_found, "it has no address");
    for (const IpAddress& address : *addresses) {
      if (cancel && cancel->cancelled()) co_return fail(cancelled());
      const Endpoint at{address, proxy_.port};
      auto dialed = co_await context_.dialer.dial(at, left(deadline), cancel);
      if (dialed) co_return std::move(dialed);
      last = std::move(dialed).error();
      if (last.cause == Error::Cause::cancelled || context_.clock.steady() >= deadline) break;
    }
    co_return fail(not_reached(last));
  }

  ProxyContext context_;
  ProxyHost proxy_;
};

class Socks5Dialer final : public ThroughProxy {
 public:
  Socks5Dialer(ProxyContext context, ProxyHost proxy, std::optional<Socks5Login> login)
      : ThroughProxy(std::move(context), std::move(proxy)), login_(std::move(login)) {}

 private:
  Task<Result<void>> lead(Stream& stream, Endpoint to, SteadyTime deadline) override {
    co_return co_await socks5_connect(stream, clock(), to, login_ ? &*login_ : nullptr, deadline);
  }

  std::optional<Socks5Login> login_;
};

class ProxyHeaderDialer final : public ThroughProxy {
 public:
  ProxyHeaderDialer(ProxyContext context, ProxyHost proxy, LocalAddresses from)
      : ThroughProxy(std::move(context), std::move(proxy)), from_(from) {}

 private:
  Task<Result<void>> lead(Stream& stream, Endpoint to, SteadyTime deadline) override {
    const std::optional<IpAddress>& from = from_.of(to.address.v6);
    if (!from) co_return fail(Error::temporary(Error::Cause::unsupported, "this source has no address of its family"));
    const std::string header = proxy_header(*from, to);
    auto written = co_await stream.write(header, std::max(Duration(1), deadline - clock().steady()));
    if (!written && written.error().cause != Error::Cause::cancelled)
      co_return fail(Error::permanent(written.error().cause, "the proxy takes no header: " + written.error().text));
    co_return written;
  }

  LocalAddresses from_;
};

}  // namespace

std::string ProxyHost::text() const {
  if (const auto ip = parse_ip(host)) return Endpoint{*ip, port}.text();
  return host + ":" + std::to_string(port);
}

std::string proxy_header(const IpAddress& from, const Endpoint& to) {
  // proxy-protocol.txt 2.2: signature; version 2, command PROXY; family and STREAM; length; addresses; ports
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  const std::size_t size = to.address.v6 ? 16 : 4;
  header.push_back('\x21');
  header.push_back(to.address.v6 ? '\x21' : '\x11');
  header.push_back('\0');
  header.push_back(static_cast<char>(2 * size + 4));
  const auto append = [&](const IpAddress& address) {
    for (std::size_t i = 0; i < size; ++i) header.push_back(static_cast<char>(address.bytes[i]));
  };
  append(from);
  append(to.address);
  header.append(2, '\0');
  header.push_back(static_cast<char>(to.port >> 8));
  header.push_back(static_cast<char>(to.port & 0xff));
  return header;
}

Result<void> check_local_address(const IpAddress& address) {
  FileDescriptor fd(::socket(address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage at{};
  const socklen_t length = to_sockaddr({address, 0}, at);
  if (fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), length) == 0) return {};
  const int code = errno;
  if (code == EADDRNOTAVAIL)
    return fail(Error::permanent(Error::Cause::not_found, address.text() + " is not an address of this machine: give it to an interface, "
                                                                           "or remove it from the source"));
  return fail(Error::permanent(Error::Cause::io, socket_error("connections cannot come from " + address.text(), code).text));
}

std::unique_ptr<Dialer> make_socks5_dialer(ProxyContext context, ProxyHost proxy, std::optional<Socks5Login> login) {
  return std::make_unique<Socks5Dialer>(std::move(context), std::move(proxy), std::move(login));
}
std::unique_ptr<Dialer> make_proxy_header_dialer(ProxyContext context, ProxyHost proxy, LocalAddresses from) {
  return std::make_unique<ProxyHeaderDialer>(std::move(context), std::move(proxy), from);
}

}  // namespace godwit::net
