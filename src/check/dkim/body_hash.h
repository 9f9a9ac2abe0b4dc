#pragma once
// The body hashes of all signatures of a message in one pass over its body (RFC 6376 3.7, hash step 1).
//
// However many signatures ask: a body is canonicalised and hashed at most once for each canonicalisation, and lengths (l=) are
// read off that one hash as it passes them. Memory is bounded by the number of requests. One user at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "check/dkim/canonical.h"

namespace godwit::dkim {

class BodyHashes {
 public:
  struct Request {
    Canonicalization canonicalization = Canonicalization::simple;
    std::optional<std::uint64_t> length;  // so many bytes of the canonical body; without: all
    bool operator==(const Request&) const = default;
  };
  struct Hash {
    std::string sha256;           // 32 bytes; of the whole body if that is shorter than `length`
    std::uint64_t body_size = 0;  // of the canonical body, however much of it was hashed
  };

  BodyHashes();
  ~BodyHashes();
  BodyHashes(BodyHashes&&) noexcept;
  BodyHashes& operator=(BodyHashes&&) noexcept;

  // Before the first byte; equal requests share a number. The number for hash().
  std::size_t add(const Request& request);
  void feed(std::string_view bytes);
  void finish();
  // After finish().
  Hash hash(std::size_t number) const;

 private:
  class Stream;
  Stream& stream(Canonicalization how) const;

  std::vector<Request> requests_;
  std::vector<std::unique_ptr<Stream>> streams_;  // one for each canonicalisation that is asked for
};

}  // namespace godwit::dkim
