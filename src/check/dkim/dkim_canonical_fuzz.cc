// The state machines of canonicalisation, the splitter of headers and the body hashes against the plain forms of
// plain_fixture.h, however the bytes are cut. The first byte says how long the pieces are.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "check/dkim/body_hash.h"
#include "check/dkim/header_fields.h"
#include "check/dkim/plain_fixture.h"

using namespace godwit;

namespace {

struct Collector final : dkim::ByteSink {
  void write(std::string_view bytes) override { text.append(bytes); }
  std::string text;
};

void require(bool holds) {
  if (!holds) std::abort();
}

template <class Machine>
std::string run(dkim::Canonicalization how, std::string_view bytes, std::size_t piece) {
  Collector out;
  Machine machine(how);
  for (std::size_t i = 0; i < bytes.size(); i += piece) machine.feed(bytes.substr(i, piece), out);
  machine.finish(out);
  return out.text;
}

void check_hashes(dkim::Canonicalization how, const std::string& canonical, std::string_view input, std::size_t piece) {
  dkim::BodyHashes hashes;
  const std::size_t numbers[] = {hashes.add({how, piece}), hashes.add({how, std::nullopt}), hashes.add({how, 10 * piece})};
  const std::size_t lengths[] = {piece, canonical.size(), 10 * piece};
  for (std::size_t i = 0; i < input.size(); i += piece) hashes.feed(input.substr(i, piece));
  hashes.finish();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto hash = hashes.hash(numbers[i]);
    require(hash.body_size == canonical.size() && hash.sha256 == crypto::sha256(std::string_view(canonical).substr(0, lengths[i])));
  }
}

void check_header(std::string_view input, std::size_t piece) {
  const auto plain = dkim::plain::parse(input);
  dkim::HeaderFields header;
  std::size_t taken = 0;
  while (taken < input.size() && !header.done()) taken += header.feed(input.substr(taken, piece));
  header.finish();
  if (header.too_large()) return;
  require(header.size() == plain.fields.size() && input.substr(taken) == plain.body);
  for (std::size_t i = 0; i < header.size(); ++i) require(header.bytes(i) == plain.fields[i]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const auto how : {dkim::Canonicalization::simple, dkim::Canonicalization::relaxed}) {
    const std::string body = dkim::plain::body(how, input);
    require(run<dkim::BodyCanonicalizer>(how, input, piece) == body);
    require(run<dkim::FieldCanonicalizer>(how, input, piece) == dkim::plain::field(how, input));
    check_hashes(how, body, input, piece);
  }
  check_header(input, piece);
  return 0;
}
