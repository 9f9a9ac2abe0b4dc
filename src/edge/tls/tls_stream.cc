#include "edge/tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "edge/net/socket_stream.h"

namespace godwit::tls {
namespace {

using net::Side;
using net::SocketStream;
using std::chrono::steady_clock;

// What the BIO reads and writes: the socket, without SIGPIPE and without reading in vain.
struct Wire {
  int fd = -1;
  int error = 0;         // errno of the operation that failed
  bool drained = false;  // the last read was short: waiting comes before reading again
};

Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

steady_clock::time_point in(Duration timeout) { return steady_clock::now() + std::min<Duration>(timeout, std::chrono::hours(24 * 365)); }

bool try_again(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

int wire_read(BIO* bio, char* into, int length) {
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  if (!wire.drained) {
    const ssize_t count = ::recv(wire.fd, into, static_cast<std::size_t>(length), 0);
    wire.error = count < 0 ? errno : 0;
    wire.drained = count > 0 && count < length;
    if (count >= 0 || !try_again(wire.error)) return static_cast<int>(count);
  }
  BIO_set_retry_read(bio);
  return -1;
}

int wire_write(BIO* bio, const char* from, int length) {
  Wire& wire = wire_of(bio);
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::send(wire.fd, from, static_cast<std::size_t>(length), MSG_NOSIGNAL);
  wire.error = count < 0 ? errno : 0;
  if (count < 0 && try_again(wire.error)) BIO_set_retry_write(bio);
  return static_cast<int>(count);
}

long wire_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* wire_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    GODWIT_CHECK(made);
    BIO_meth_set_read(made, wire_read);
    BIO_meth_set_write(made, wire_write);
    BIO_meth_set_ctrl(made, wire_control);
    return made;
  }();
  return method;
}

class TlsStream final : public net::Stream {
 public:
  TlsStream(SslPtr ssl, std::unique_ptr<SocketStream> plain, Remember remember)
      : plain_(std::move(plain)), wire_{plain_->fd(), 0, false}, remember_(std::move(remember)), ssl_(std::move(ssl)) {
    BIO* bio = BIO_new(wire_method());
    GODWIT_CHECK(bio);
    BIO_set_data(bio, &wire_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    if (remember_.cache) SSL_set_app_data(ssl_.get(), this);
  }
  ~TlsStream() override { close(); }

  Task<Result<void>> handshake(Duration timeout);

  Task<Result<std::size_t>> read(std::span<char> into, Duration timeout) override;
  Task<Result<void>> wait_readable(Duration timeout) override;
  Task<Result<void>> write(std::string_view bytes, Duration timeout) override;
  void close() override;
  void cancel() override { plain_->cancel(); }
  void acknowledge_now() override { plain_->acknowledge_now(); }

  const Endpoint& remote() const override { return plain_->remote(); }
  const Endpoint& local() const override { return plain_->local(); }
  const net::TlsInfo* tls() const override { return &info_; }
  std::optional<net::PeerCredentials> credentials() const override { return plain_->credentials(); }

  const Remember& remember() const { return remember_; }

 private:
  // What an operation that did not succeed waits for; an error if it cannot go on; nothing at the end of the stream.
  Result<std::optional<Side>> next_step(int result);
  Error broken();
  Task<Result<void>> wait(Side side, steady_clock::time_point until);
  void describe();

  std::unique_ptr<SocketStream> plain_;
  Wire wire_;
  Remember remember_;
  SslPtr ssl_;
  net::TlsInfo info_;
  bool usable_ = false;   // the handshake is done and nothing fatal has happened
  bool writing_ = false;  // a record is half out: nothing may be sent before its rest
};

// Waits on the socket itself: a coroutine between would cost an idle connection another frame.
Task<Result<void>> TlsStream::wait(Side side, steady_clock::time_point until) {
  if (side == Side::read) wire_.drained = false;
  const auto left = std::chrono::duration_cast<Duration>(until - steady_clock::now());
  return plain_->wait(side, std::max(left, Duration(0)));
}

Result<std::optional<Side>> TlsStream::next_step(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Side::read;
    case SSL_ERROR_WANT_WRITE: return Side::write;
    case SSL_ERROR_ZERO_RETURN: return std::nullopt;
    default: usable_ = false; return fail(broken());
  }
}

// A connection cut without close_notify is an ordinary end on the Internet, though never a clean one.
Error TlsStream::broken() {
  const unsigned long code = ERR_peek_error();
  if (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    if (wire_.error != 0) return net::socket_error("TLS", wire_.error);
    return Error::temporary(Error::Cause::closed, "the peer cut the TLS connection");
  }
  if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const char* why = X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
    ERR_clear_error();
    return Error::temporary(Error::Cause::denied, "the certificate of " + remember_.server_name + " does not verify: " + why);
  }
  return Error::temporary(Error::Cause::io, "TLS failed: " + take_openssl_error());
}

Task<Result<void>> TlsStream::handshake(Duration timeout) {
  const auto until = in(timeout);
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) break;
    GODWIT_CO_ASSIGN(const std::optional<Side> side, next_step(result));
    if (!side) co_return fail(Error::temporary(Error::Cause::closed, "the peer ended the TLS handshake"));
    GODWIT_CO_TRY(co_await wait(*side, until));
  }
  usable_ = true;
  describe();
  co_return Result<void>{};
}

void TlsStream::describe() {
  info_.version = SSL_get_version(ssl_.get());
  info_.cipher = SSL_get_cipher_name(ssl_.get());
  info_.bits = SSL_get_cipher_bits(ssl_.get(), nullptr);
  info_.resumed = SSL_session_reused(ssl_.get()) == 1;
  if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) info_.server_name = name;
}

Task<Result<std::size_t>> TlsStream::read(std::span<char> into, Duration timeout) {
  GODWIT_CHECK(!into.empty());
  const auto until = in(timeout);
  while (true) {
    if (!usable_) co_return fail(Error::temporary(Error::Cause::closed, "the connection is closed"));
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    if (result == 1) co_return count;
    GODWIT_CO_ASSIGN(const std::optional<Side> side, next_step(result));
    if (!side) co_return std::size_t(0);
    GODWIT_CO_TRY(co_await wait(*side, until));
  }
}

Task<Result<void>> TlsStream::wait_readable(Duration timeout) {
  const auto until = in(timeout);
  while (true) {
    if (!usable_) co_return fail(Error::temporary(Error::Cause::closed, "the connection is closed"));
    ERR_clear_error();
    char byte = 0;
    std::size_t count = 0;
    const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &count);
    if (result == 1) co_return Result<void>{};
    GODWIT_CO_ASSIGN(const std::optional<Side> side, next_step(result));
    if (!side) co_return Result<void>{};
    GODWIT_CO_TRY(co_await wait(*side, until));
  }
}

Task<Result<void>> TlsStream::write(std::string_view bytes, Duration timeout) {
  auto until = in(timeout);
  while (!bytes.empty()) {
    if (!usable_) co_return fail(Error::temporary(Error::Cause::closed, "the connection is closed"));
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    writing_ = result != 1;
    if (result == 1) {
      bytes.remove_prefix(count);
      continue;
    }
    GODWIT_CO_ASSIGN(const std::optional<Side> side, next_step(result));
    if (!side) co_return fail(Error::temporary(Error::Cause::closed, "the peer ended the connection"));
    // The end of a wait to write is progress: the peer has taken something.
    if (*side == Side::write) until = in(timeout);
    GODWIT_CO_TRY(co_await wait(*side, until));
  }
  co_return Result<void>{};
}

void TlsStream::close() {
  if (std::exchange(usable_, false) && !writing_ && plain_->fd() >= 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // close_notify, if the socket takes it now; the peer's is not waited for
    ERR_clear_error();
  }
  plain_->close();
}

}  // namespace

int remember_session(SSL* ssl, SSL_SESSION* session) {
  const auto* const stream = static_cast<const TlsStream*>(SSL_get_app_data(ssl));
  if (!stream || !stream->remember().cache) return 0;
  stream->remember().cache->put(stream->remember().server_name, SessionPtr(session));
  return 1;  // the reference is ours
}

Task<Result<std::unique_ptr<net::Stream>>> shake_hands(SslPtr ssl, std::unique_ptr<net::Stream> plain, Remember remember, Duration timeout,
                                                       net::Cancellation* cancel) {
  auto* const raw = dynamic_cast<SocketStream*>(plain.get());
  if (!raw) co_return fail(Error::permanent(Error::Cause::unsupported, "TLS needs a socket below it"));
  plain.release();
  std::unique_ptr<SocketStream> socket(raw);
  auto stream = std::make_unique<TlsStream>(std::move(ssl), std::move(socket), std::move(remember));
  {
    const net::Cancellation::Armed armed(cancel, [raw_stream = stream.get()] { raw_stream->cancel(); });
    GODWIT_CO_TRY(co_await stream->handshake(timeout));
  }
  std::unique_ptr<net::Stream> done = std::move(stream);
  co_return done;
}

}  // namespace godwit::tls
