#include "check/dkim/body_hash.h"

#include <algorithm>
#include <map>

#include "base/result.h"
#include "base/signature.h"

namespace godwit::dkim {

// One canonicalisation: the hash of what has passed, and what it was at each length that is asked for.
class BodyHashes::Stream final : public ByteSink {
 public:
  explicit Stream(Canonicalization how) : how_(how), canonicalizer_(how) {}

  Canonicalization how() const { return how_; }
  void want(std::optional<std::uint64_t> length) {
    whole_ = whole_ || !length;
    if (length) at_length_.try_emplace(*length);
    next_ = at_length_.begin();
  }
  void feed(std::string_view bytes) { canonicalizer_.feed(bytes, *this); }
  void finish() {
    canonicalizer_.finish(*this);
    whole_body_ = hash_.digest();
  }

  void write(std::string_view bytes) override {
    while (next_ != at_length_.end() && next_->first <= size_ + bytes.size()) {
      const auto part = bytes.substr(0, static_cast<std::size_t>(next_->first - size_));
      hash_.update(part);
      next_->second = hash_.digest();
      size_ += part.size();
      bytes.remove_prefix(part.size());
      ++next_;
    }
    if (whole_ || next_ != at_length_.end()) hash_.update(bytes);  // behind the last length nobody asks
    size_ += bytes.size();
  }

  Hash hash(std::optional<std::uint64_t> length) const {
    if (length && *length < size_) return {at_length_.at(*length), size_};
    return {whole_body_, size_};
  }

 private:
  Canonicalization how_;
  BodyCanonicalizer canonicalizer_;
  crypto::Sha256 hash_;
  std::uint64_t size_ = 0;
  bool whole_ = false;
  std::map<std::uint64_t, std::string> at_length_;  // filled when the body reaches it
  std::map<std::uint64_t, std::string>::iterator next_ = at_length_.begin();
  std::string whole_body_;
};

BodyHashes::BodyHashes() = default;
BodyHashes::~BodyHashes() = default;
BodyHashes::BodyHashes(BodyHashes&&) noexcept = default;
BodyHashes& BodyHashes::operator=(BodyHashes&&) noexcept = default;

BodyHashes::Stream& BodyHashes::stream(Canonicalization how) const {
  return **std::ranges::find_if(streams_, [&](const auto& each) { return each->how() == how; });
}

std::size_t BodyHashes::add(const Request& request) {
  const auto known = std::ranges::find(requests_, request);
  if (known != requests_.end()) return static_cast<std::size_t>(known - requests_.begin());
  if (std::ranges::none_of(streams_, [&](const auto& each) { return each->how() == request.canonicalization; }))
    streams_.push_back(std::make_unique<Stream>(request.canonicalization));
  stream(request.canonicalization).want(request.length);
  requests_.push_back(request);
  return requests_.size() - 1;
}

void BodyHashes::feed(std::string_view bytes) {
  for (const auto& each : streams_) each->feed(bytes);
}

void BodyHashes::finish() {
  for (const auto& each : streams_) each->finish();
}

BodyHashes::Hash BodyHashes::hash(std::size_t number) const {
  GODWIT_CHECK(number < requests_.size());
  return stream(requests_[number].canonicalization).hash(requests_[number].length);
}

}  // namespace godwit::dkim
