#pragma once
// TLS for both sides: what turns a plain stream into an encrypted one (OpenSSL 3 on the non-blocking socket).
//
// A context is made once a configuration, shared by all loops and never changed: a reload makes a new one, and the
// connections of the old one go on. Handshakes work only on streams of edge/net's sockets. Any thread may call;
// the coroutines run on the loop of their stream. Errors of create() name the file and what to do about it.

#include <memory>
#include <string>
#include <vector>

#include "edge/net/stream.h"

namespace godwit::tls {

struct ServerSettings {
  std::string certificate;  // PEM: the server's certificate, then the chain
  std::string key;          // PEM, no pass phrase
};

// TLS 1.2 and 1.3, tickets instead of a session cache, one SSL_CTX an identity.
class ServerContext final : public net::TlsAcceptor {
 public:
  static Result<std::shared_ptr<ServerContext>> create(const ServerSettings& settings);
  ~ServerContext() override;

  // The time-out is for the whole handshake. `io` if the peer speaks no TLS or nothing in common, `closed` if it went.
  Task<Result<std::unique_ptr<net::Stream>>> accept(std::unique_ptr<net::Stream> plain, Duration timeout) override;

  // What works but should not stay so: expired or about to, key readable by everybody. Sentences for a person.
  const std::vector<std::string>& warnings() const;

 private:
  struct Impl;
  explicit ServerContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// How much a client asks of the server's certificate.
enum class Level : std::uint8_t {
  none,     // plain text: the caller does not ask for TLS, and connect() refuses
  encrypt,  // opportunistic: encrypted, whoever it is (RFC 7435)
  verify,   // a valid chain to a known root, and the server's name in the certificate
};

struct ClientSettings {
  Level level = Level::encrypt;
  std::string ca_file;  // "" = the system's roots; only read for `verify`
};

// Remembers one session a server name (up to 1,000), so that the next connection resumes.
class ClientContext final : public net::TlsConnector {
 public:
  static Result<std::shared_ptr<ClientContext>> create(const ClientSettings& settings);
  ~ClientContext() override;

  // `server_name` may be an IP address: then nothing is sent as SNI (RFC 6066 3). The time-out is for the whole handshake.
  // A certificate that does not verify is `denied`.
  Task<Result<std::unique_ptr<net::Stream>>> connect(std::unique_ptr<net::Stream> plain, std::string server_name, Duration timeout,
                                                     net::Cancellation* cancel = nullptr) override;

  Level level() const;

 private:
  struct Impl;
  explicit ClientContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::tls
