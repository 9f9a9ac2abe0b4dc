#include "state/mailbox/details_maker.h"

#include <algorithm>
#include <utility>

#include "grammar/message/preview.h"
#include "grammar/message/references.h"

namespace godwit::mailbox {

message::Envelope take_root_envelope(message::Structure& structure) {
  if (!structure.parts[0].envelope) return {};
  auto envelope = std::move(structure.envelopes.front());
  structure.envelopes.erase(structure.envelopes.begin());
  structure.parts[0].envelope.reset();
  for (auto& part : structure.parts) {
    if (part.envelope) --*part.envelope;
  }
  return envelope;
}

void DetailsMaker::feed(std::string_view bytes) {
  if (!parser_) return;
  beginning_.append(bytes.substr(0, kMaxHeldBytes - beginning_.size()));
  parser_->feed(bytes);
  if (parser_->memory() > kMaxMaking) parser_.reset();
}

std::string DetailsMaker::finish() {
  if (!parser_) return {};
  Details details;
  details.structure = std::exchange(parser_, std::nullopt)->finish();
  details.envelope = take_root_envelope(details.structure);
  if (!add_references(details) || !add_preview(details)) return {};
  std::string row = encode_details(details);
  return row.size() > kMaxKept ? std::string() : row;
}

bool DetailsMaker::add_references(Details& details) const {
  const std::uint64_t size = details.structure.parts[0].body_begin;
  if (size > beginning_.size()) return false;
  details.references = message::find_references(std::string_view(beginning_).substr(0, size));
  return true;
}

bool DetailsMaker::add_preview(Details& details) const {
  for (const auto index : message::preview_parts(details.structure)) {
    const auto& part = details.structure.parts[index];
    const auto wanted = std::min<std::uint64_t>(part.body_size(), kEnoughForPreview);
    if (part.body_begin + wanted > beginning_.size()) return false;
    details.preview = message::make_preview(part, std::string_view(beginning_).substr(part.body_begin, part.body_size()));
    if (!details.preview.empty()) break;
  }
  return true;
}

}  // namespace godwit::mailbox
