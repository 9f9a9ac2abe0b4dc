#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/log.h"
#include "edge/net/file_descriptor.h"
#include "edge/tls/context.h"
#include "edge/tls/tls_stream.h"

namespace godwit::tls {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;
constexpr int kSoon = 14 * 24 * 3600;  // seconds before the end of a certificate that are worth a warning

std::string user_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry ? entry->pw_name : "uid " + std::to_string(::geteuid());
}

Error file_error(const std::string& what, const std::string& path, int code) {
  const std::string file = what + " file " + path;
  if (code == ENOENT || code == ENOTDIR) {
    return Error::permanent(Error::Cause::not_found, file + " does not exist: set [tls] " + what + " to a PEM file");
  }
  if (code == EACCES || code == EPERM) {
    const std::string user = user_name();
    return Error::permanent(Error::Cause::denied, file + " cannot be read by " + user + ", who runs this process: make " + user +
                                                      " its owner (chown " + user + " " + path +
                                                      "), and let each directory above be entered");
  }
  return Error::permanent(Error::Cause::io, file + " cannot be read: " + std::strerror(code));
}

Result<std::string> read_file(const std::string& what, const std::string& path) {
  const net::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(file_error(what, path, errno));
  std::string text(kLargestFile, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0) return fail(file_error(what, path, errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

BioPtr memory_bio(const std::string& text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Result<void> use_certificate(SSL_CTX& context, const std::string& path) {
  GODWIT_ASSIGN(const std::string text, read_file("certificate", path));
  const BioPtr bio = memory_bio(text);
  const X509Ptr leaf(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(&context, leaf.get()) != 1) {
    return fail(Error::permanent(Error::Cause::syntax,
                                 "certificate file " + path + " holds no usable certificate in PEM form: " + take_openssl_error()));
  }
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) SSL_CTX_add0_chain_cert(&context, next);
  ERR_clear_error();  // the end of the file
  return {};
}

int no_pass_phrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<void> use_key(SSL_CTX& context, const ServerSettings& settings) {
  GODWIT_ASSIGN(std::string text, read_file("key", settings.key));
  bool encrypted = false;
  const KeyPtr key(PEM_read_bio_PrivateKey(memory_bio(text).get(), nullptr, no_pass_phrase, &encrypted));
  OPENSSL_cleanse(text.data(), text.size());
  const std::string file = "key file " + settings.key;
  if (encrypted) {
    ERR_clear_error();
    return fail(Error::permanent(Error::Cause::unsupported,
                                 file + " has a pass phrase: write it without one (openssl pkey -in " + settings.key + " -out NEW)"));
  }
  if (!key) return fail(Error::permanent(Error::Cause::syntax, file + " holds no private key in PEM form: " + take_openssl_error()));
  if (X509_check_private_key(SSL_CTX_get0_certificate(&context), key.get()) != 1 || SSL_CTX_use_PrivateKey(&context, key.get()) != 1) {
    ERR_clear_error();
    return fail(
        Error::permanent(Error::Cause::conflict, file + " does not belong to the certificate in " + settings.certificate +
                                                     ": they must come from the same request, the server's certificate first in its file"));
  }
  return {};
}

std::string date_of(const ASN1_TIME* time) {
  std::tm fields{};
  char text[32] = "an unreadable date";
  if (ASN1_TIME_to_tm(time, &fields) == 1) std::strftime(text, sizeof text, "%Y-%m-%d", &fields);
  return text;
}

void look_at_dates(const SSL_CTX& context, const std::string& path, std::vector<std::string>& warnings) {
  const X509* certificate = SSL_CTX_get0_certificate(&context);
  const ASN1_TIME* end = X509_get0_notAfter(certificate);
  std::time_t soon = std::time(nullptr) + kSoon;
  if (X509_cmp_current_time(end) < 0) {
    warnings.push_back("certificate " + path + " expired on " + date_of(end) + ": clients will refuse it; renew it");
  } else if (X509_cmp_time(end, &soon) < 0) {
    warnings.push_back("certificate " + path + " expires on " + date_of(end) + ": renew it");
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    warnings.push_back("certificate " + path + " is not valid before " + date_of(X509_get0_notBefore(certificate)));
  }
}

void look_at_rights(const std::string& path, std::vector<std::string>& warnings) {
  struct stat file{};
  if (::stat(path.c_str(), &file) == 0 && (file.st_mode & S_IROTH) != 0) {
    warnings.push_back("key " + path + " can be read by everybody on this machine: chmod o-rwx " + path);
  }
}

}  // namespace

struct ServerContext::Impl {
  ContextPtr context;
  std::vector<std::string> warnings;
};

ServerContext::ServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerContext::~ServerContext() = default;

Result<std::shared_ptr<ServerContext>> ServerContext::create(const ServerSettings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->context = make_context(TLS_server_method());
  SSL_CTX& context = *impl->context;
  GODWIT_TRY(use_certificate(context, settings.certificate));
  GODWIT_TRY(use_key(context, settings));
  SSL_CTX_set_dh_auto(&context, 1);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);  // tickets alone: nothing to remember here
  SSL_CTX_set_num_tickets(&context, 1);
  static constexpr unsigned char kName[] = "godwit";
  SSL_CTX_set_session_id_context(&context, kName, sizeof kName - 1);
  look_at_dates(context, settings.certificate, impl->warnings);
  look_at_rights(settings.key, impl->warnings);
  for (const std::string& warning : impl->warnings) log::warning("tls", {{"what", warning}});
  return std::shared_ptr<ServerContext>(new ServerContext(std::move(impl)));
}

const std::vector<std::string>& ServerContext::warnings() const { return impl_->warnings; }

// After the first wait a reload may have destroyed this context; the SSL holds what it needs.
Task<Result<std::unique_ptr<net::Stream>>> ServerContext::accept(std::unique_ptr<net::Stream> plain, Duration timeout) {
  SslPtr ssl(SSL_new(impl_->context.get()));
  GODWIT_CHECK(ssl);
  SSL_set_accept_state(ssl.get());
  Remember nothing;
  co_return co_await shake_hands(std::move(ssl), std::move(plain), std::move(nothing), timeout);
}

}  // namespace godwit::tls
