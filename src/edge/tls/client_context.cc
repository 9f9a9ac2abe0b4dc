#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "edge/tls/context.h"
#include "edge/tls/tls_stream.h"

namespace godwit::tls {

struct ClientContext::Impl {
  ContextPtr context;
  Level level = Level::encrypt;
  std::shared_ptr<SessionCache> sessions = std::make_shared<SessionCache>();
};

ClientContext::ClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientContext::~ClientContext() = default;

Result<std::shared_ptr<ClientContext>> ClientContext::create(const ClientSettings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->context = make_context(TLS_client_method());
  impl->level = settings.level;
  SSL_CTX& context = *impl->context;
  if (settings.level == Level::verify) {
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
    const bool loaded = settings.ca_file.empty() ? SSL_CTX_set_default_verify_paths(&context) == 1
                                                 : SSL_CTX_load_verify_file(&context, settings.ca_file.c_str()) == 1;
    if (!loaded) {
      return fail(Error::permanent(Error::Cause::not_found, "cannot load the trusted certificates in " +
                                                                (settings.ca_file.empty() ? "the system's store" : settings.ca_file) +
                                                                ": " + take_openssl_error()));
    }
  }
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(&context, remember_session);
  return std::shared_ptr<ClientContext>(new ClientContext(std::move(impl)));
}

Level ClientContext::level() const { return impl_->level; }

Task<Result<std::unique_ptr<net::Stream>>> ClientContext::connect(std::unique_ptr<net::Stream> plain, std::string server_name,
                                                                  Duration timeout, net::Cancellation* cancel) {
  if (impl_->level == Level::none) co_return fail(Error::permanent(Error::Cause::unsupported, "TLS is switched off"));
  SslPtr ssl(SSL_new(impl_->context.get()));
  GODWIT_CHECK(ssl);
  SSL_set_connect_state(ssl.get());
  // RFC 6066 3: an address is no host name.
  if (parse_ip(server_name)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), server_name.c_str());
  } else if (!server_name.empty()) {
    SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
    SSL_set1_host(ssl.get(), server_name.c_str());
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  } else if (impl_->level == Level::verify) {
    co_return fail(Error::permanent(Error::Cause::denied, "there is no server name to verify"));
  }
  if (const SessionPtr session = impl_->sessions->take(server_name)) SSL_set_session(ssl.get(), session.get());
  Remember remember{impl_->sessions, std::move(server_name)};
  co_return co_await shake_hands(std::move(ssl), std::move(plain), std::move(remember), timeout, cancel);
}

}  // namespace godwit::tls
