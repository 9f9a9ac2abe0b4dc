#include "base/signature.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <optional>

namespace godwit::crypto {
namespace {

constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kMaxDer = 4 * 1024;  // a key of kMaxRsaBits takes a little more than 1,024 bytes
constexpr std::size_t kMaxPem = 64 * 1024;
constexpr int kMaxExponentBits = 32;

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freer<BN_free>>;

// OpenSSL keeps a queue of errors a thread, which TLS reads too: what fails here leaves nothing behind in it.
class ErrorQueue {
 public:
  ErrorQueue() { ERR_set_mark(); }
  ~ErrorQueue() { ERR_pop_to_mark(); }
  ErrorQueue(const ErrorQueue&) = delete;
  ErrorQueue& operator=(const ErrorQueue&) = delete;
};

const EVP_MD* fetched_sha256() {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);  // fetched once: it costs as much as a small hash
  return md;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Error not_a_key(std::string text) { return Error::permanent(Error::Cause::syntax, std::move(text)); }

// One element of DER (X.690 8.1) with this tag: its content, taken off the front of `der`. Lengths up to 65,535 in their shortest form.
std::optional<std::string_view> take_element(std::string_view& der, unsigned char tag) {
  if (der.size() < 2 || static_cast<unsigned char>(der[0]) != tag) return std::nullopt;
  const auto at = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(der[i])); };
  std::size_t header = 2;
  std::size_t length = at(1);
  if (length == 0x81 && der.size() >= 3 && at(2) >= 0x80) {
    header = 3;
    length = at(2);
  } else if (length == 0x82 && der.size() >= 4 && at(2) != 0) {
    header = 4;
    length = at(2) << 8 | at(3);
  } else if (length >= 0x80) {
    return std::nullopt;
  }
  if (der.size() - header < length) return std::nullopt;
  const auto content = der.substr(header, length);
  der.remove_prefix(header + length);
  return content;
}

// The RSAPublicKey inside a SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 3279 2.3.1); what is none comes back as it is.
// (OpenSSL's own reader of the whole takes 300 us, of the inner part 2.)
std::string_view without_key_info(std::string_view der) {
  constexpr std::string_view kRsaEncryption = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
  constexpr std::string_view kNull("\x05\x00", 2);
  std::string_view rest = der;
  auto info = take_element(rest, 0x30);
  if (!info || !rest.empty()) return der;
  auto algorithm = take_element(*info, 0x30);
  if (!algorithm) return der;
  if (take_element(*algorithm, 0x06) != kRsaEncryption || (!algorithm->empty() && *algorithm != kNull)) return der;
  const auto bits = take_element(*info, 0x03);
  if (!bits || !info->empty() || !bits->starts_with('\0')) return der;
  return bits->substr(1);
}

int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

Result<> check_rsa(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits > static_cast<int>(kMaxRsaBits))
    return fail(Error::permanent(Error::Cause::limit, "an RSA key of " + std::to_string(bits) + " bits is too large"));
  BIGNUM* number = nullptr;
  const bool read = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &number) == 1;
  const NumberPtr exponent(number);
  if (!read) return fail(not_a_key("an RSA key without an exponent"));
  // RFC 6376 8.13: a large exponent makes the verifier work for the attacker
  if (BN_is_odd(exponent.get()) == 0 || BN_is_one(exponent.get()) == 1 || BN_num_bits(exponent.get()) > kMaxExponentBits)
    return fail(Error::permanent(Error::Cause::unsupported, "the exponent of the RSA key is even, 1, or longer than 32 bits"));
  return {};
}

// RSASSA-PKCS1-v1_5 (RFC 8017 8.2) with SHA-256.
bool set_pkcs1_sha256(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 && EVP_PKEY_CTX_set_signature_md(context, fetched_sha256()) == 1;
}

}  // namespace

// --- Sha256

struct Sha256::Context {
  Context() : context(EVP_MD_CTX_new()) { GODWIT_CHECK(context != nullptr); }
  void copy(const Context& from) { GODWIT_CHECK(EVP_MD_CTX_copy_ex(context.get(), from.context.get()) == 1); }
  MdContext context;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  GODWIT_CHECK(EVP_DigestInit_ex2(context_->context.get(), fetched_sha256(), nullptr) == 1);
}

Sha256::Sha256(const Sha256& other) : context_(std::make_unique<Context>()) { context_->copy(*other.context_); }

Sha256& Sha256::operator=(const Sha256& other) {
  if (this != &other) context_->copy(*other.context_);
  return *this;
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) { GODWIT_CHECK(EVP_DigestUpdate(context_->context.get(), bytes.data(), bytes.size()) == 1); }

std::string Sha256::digest() const {
  Context last;
  last.copy(*context_);
  std::string out(kDigestBytes, '\0');
  unsigned size = 0;
  GODWIT_CHECK(EVP_DigestFinal_ex(last.context.get(), bytes_of(out), &size) == 1 && size == kDigestBytes);
  return out;
}

// --- PublicKey

struct PublicKey::Held {
  Held(PkeyPtr with, KeyType kind) : key(std::move(with)), type(kind) {}
  PkeyPtr key;
  KeyType type;
};

Result<PublicKey> PublicKey::rsa_from_der(std::string_view der) {
  const ErrorQueue errors;
  if (der.empty() || der.size() > kMaxDer) return fail(not_a_key("an RSA key has 1 to " + std::to_string(kMaxDer) + " bytes"));
  const auto bare = without_key_info(der);
  const unsigned char* end = bytes_of(bare);
  PkeyPtr key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &end, static_cast<long>(bare.size())));
  if (!key) return fail(not_a_key("neither an RSAPublicKey nor a SubjectPublicKeyInfo that holds one"));
  if (end != bytes_of(bare) + bare.size()) return fail(not_a_key("bytes behind the key"));
  GODWIT_TRY(check_rsa(key.get()));
  return PublicKey(std::make_shared<const Held>(std::move(key), KeyType::rsa));
}

Result<PublicKey> PublicKey::ed25519_from_bytes(std::string_view bytes) {
  const ErrorQueue errors;
  if (bytes.size() != kEd25519Bytes) return fail(not_a_key("an Ed25519 key has 32 bytes, not " + std::to_string(bytes.size())));
  PkeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(bytes), bytes.size()));
  if (!key) return fail(not_a_key("not an Ed25519 key"));
  return PublicKey(std::make_shared<const Held>(std::move(key), KeyType::ed25519));
}

KeyType PublicKey::type() const { return held_->type; }

unsigned PublicKey::bits() const {
  return held_->type == KeyType::ed25519 ? 256 : static_cast<unsigned>(EVP_PKEY_get_bits(held_->key.get()));
}

std::string PublicKey::to_bytes() const {
  if (held_->type == KeyType::ed25519) {
    std::string out(kEd25519Bytes, '\0');
    std::size_t size = out.size();
    GODWIT_CHECK(EVP_PKEY_get_raw_public_key(held_->key.get(), bytes_of(out), &size) == 1 && size == out.size());
    return out;
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(held_->key.get(), &der);
  GODWIT_CHECK(size > 0);
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool PublicKey::verify(std::string_view digest, std::string_view signature) const {
  if (digest.size() != kDigestBytes) return false;
  const ErrorQueue errors;
  if (held_->type == KeyType::ed25519) {
    const MdContext context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, held_->key.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(digest), digest.size()) == 1;
  }
  const PkeyContext context(EVP_PKEY_CTX_new(held_->key.get(), nullptr));
  return EVP_PKEY_verify_init(context.get()) == 1 && set_pkcs1_sha256(context.get()) &&
         EVP_PKEY_verify(context.get(), bytes_of(signature), signature.size(), bytes_of(digest), digest.size()) == 1;
}

// --- PrivateKey

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  const ErrorQueue errors;
  if (pem.size() > kMaxPem) return fail(not_a_key("a PEM text of more than 64 KiB"));
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return fail(not_a_key("no private key in PEM form, or one that is locked with a passphrase"));
  const int kind = EVP_PKEY_get_base_id(key.get());
  if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519)
    return fail(Error::permanent(Error::Cause::unsupported, "the private key is neither RSA nor Ed25519"));
  if (kind == EVP_PKEY_RSA) GODWIT_TRY(check_rsa(key.get()));
  const KeyType type = kind == EVP_PKEY_RSA ? KeyType::rsa : KeyType::ed25519;
  return PrivateKey(PublicKey(std::make_shared<const PublicKey::Held>(std::move(key), type)));
}

Result<PrivateKey> PrivateKey::ed25519_from_seed(std::string_view seed) {
  const ErrorQueue errors;
  if (seed.size() != kEd25519Bytes) return fail(not_a_key("an Ed25519 seed has 32 bytes, not " + std::to_string(seed.size())));
  PkeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), seed.size()));
  if (!key) return fail(not_a_key("not an Ed25519 seed"));
  return PrivateKey(PublicKey(std::make_shared<const PublicKey::Held>(std::move(key), KeyType::ed25519)));
}

Result<PrivateKey> PrivateKey::generate_rsa(unsigned bits) {
  const ErrorQueue errors;
  if (bits < 1'024 || bits > kMaxRsaBits)
    return fail(Error::permanent(Error::Cause::limit, "an RSA key is made with 1024 to 8192 bits, not " + std::to_string(bits)));
  PkeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
  if (!key) return fail(Error::temporary(Error::Cause::io, "the RSA key could not be generated"));
  return PrivateKey(PublicKey(std::make_shared<const PublicKey::Held>(std::move(key), KeyType::rsa)));
}

PrivateKey PrivateKey::generate_ed25519(Random& random) {
  std::array<std::uint8_t, kEd25519Bytes> seed{};
  random.fill(seed);
  auto key = ed25519_from_seed({reinterpret_cast<const char*>(seed.data()), seed.size()});
  OPENSSL_cleanse(seed.data(), seed.size());
  GODWIT_CHECK(key.has_value());  // any 32 bytes are a seed
  return *std::move(key);
}

std::string PrivateKey::to_pem() const {
  const ErrorQueue errors;
  const BioPtr bio(BIO_new(BIO_s_mem()));
  GODWIT_CHECK(bio != nullptr &&
               PEM_write_bio_PKCS8PrivateKey(bio.get(), public_key_.held_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  std::string out(text, static_cast<std::size_t>(size));
  OPENSSL_cleanse(text, static_cast<std::size_t>(size));
  return out;
}

Result<std::string> PrivateKey::sign(std::string_view digest) const {
  if (digest.size() != kDigestBytes) return fail(Error::permanent(Error::Cause::syntax, "a SHA-256 digest has 32 bytes"));
  const ErrorQueue errors;
  EVP_PKEY* const key = public_key_.held_->key.get();
  std::string out(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = out.size();
  bool done = false;
  if (type() == KeyType::ed25519) {
    const MdContext context(EVP_MD_CTX_new());
    done = EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestSign(context.get(), bytes_of(out), &size, bytes_of(digest), digest.size()) == 1;
  } else {
    const PkeyContext context(EVP_PKEY_CTX_new(key, nullptr));
    done = EVP_PKEY_sign_init(context.get()) == 1 && set_pkcs1_sha256(context.get()) &&
           EVP_PKEY_sign(context.get(), bytes_of(out), &size, bytes_of(digest), digest.size()) == 1;
  }
  if (!done) return fail(Error::permanent(Error::Cause::unsupported, "the key does not sign"));
  out.resize(size);
  return out;
}

}  // namespace godwit::crypto
