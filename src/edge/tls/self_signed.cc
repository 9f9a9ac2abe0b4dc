#include "edge/tls/self_signed.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "edge/net/file_descriptor.h"
#include "edge/tls/openssl.h"

namespace godwit::tls {
namespace {

constexpr long kDay = 24 * 3600;

Error openssl_failed() { return Error::permanent(Error::Cause::io, "cannot make a certificate: " + take_openssl_error()); }

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// RFC 5280 4.1.2.2: a positive number, at most 20 octets.
bool set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return set;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += "DNS:" + name + ",";
  return list + "IP:127.0.0.1,IP:::1";
}

X509Ptr make_certificate(EVP_PKEY* key, const std::vector<std::string>& names, int days) {
  X509Ptr certificate(X509_new());
  X509* const raw = certificate.get();
  const auto* subject = reinterpret_cast<const unsigned char*>(names.front().data());
  X509_NAME* name = X509_get_subject_name(raw);
  // RFC 5280 A.1: a common name has at most 64 characters; the names that count are the alternative ones.
  const int length = static_cast<int>(std::min<std::size_t>(names.front().size(), 64));
  const long end = days * kDay - kDay / 2;
  const bool made =
      X509_set_version(raw, X509_VERSION_3) == 1 && set_serial(raw) &&
      X509_gmtime_adj(X509_getm_notBefore(raw), std::min(-kDay, end - kDay)) && X509_gmtime_adj(X509_getm_notAfter(raw), end) &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, subject, length, -1, 0) == 1 && X509_set_issuer_name(raw, name) == 1 &&
      X509_set_pubkey(raw, key) == 1 && add_extension(raw, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(raw, NID_key_usage, "critical,digitalSignature") && add_extension(raw, NID_ext_key_usage, "serverAuth") &&
      add_extension(raw, NID_subject_key_identifier, "hash") && add_extension(raw, NID_subject_alt_name, alternative_names(names)) &&
      X509_sign(raw, key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

Result<void> write_file(const std::string& path, BIO* content, unsigned mode) {
  const auto failed = [&] { return fail(Error::permanent(Error::Cause::io, "cannot write " + path + ": " + std::strerror(errno))); };
  ::unlink(path.c_str());
  const net::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file || ::fchmod(file.get(), mode) != 0) return failed();
  char* bytes = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(content, &bytes));
  if (::write(file.get(), bytes, size) != static_cast<ssize_t>(size)) return failed();
  return {};
}

}  // namespace

Result<void> make_self_signed(const std::vector<std::string>& names, const std::string& certificate_path, const std::string& key_path,
                              int days) {
  for (const std::string& name : names) {
    const bool plain =
        !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.*") == name.npos;
    if (!plain) return fail(Error::permanent(Error::Cause::syntax, "\"" + name + "\" is not a host name"));
  }
  if (names.empty()) return fail(Error::permanent(Error::Cause::syntax, "a certificate needs a host name"));
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return fail(openssl_failed());
  const X509Ptr certificate = make_certificate(key.get(), names, days);
  if (!certificate) return fail(openssl_failed());
  const BioPtr key_text(BIO_new(BIO_s_secmem()));
  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const bool printed = PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
                       PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1;
  if (!printed) return fail(openssl_failed());
  GODWIT_TRY(write_file(key_path, key_text.get(), 0600));
  return write_file(certificate_path, certificate_text.get(), 0644);
}

}  // namespace godwit::tls
