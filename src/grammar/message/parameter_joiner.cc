#include "grammar/message/parameter_joiner.h"

#include <algorithm>
#include <array>

namespace godwit::message {
namespace {

// RFC 2231 7: attribute-char
bool is_attribute_char(char c) {
  return static_cast<unsigned char>(c) > 32 && static_cast<unsigned char>(c) < 127 &&
         std::string_view("*'%()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
}

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_attribute_char(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
}

}  // namespace

ParameterJoiner::Piece ParameterJoiner::split(std::string name, std::string value) {
  Piece out;
  out.value = std::move(value);
  if (name.size() > 1 && name.ends_with('*')) {
    out.extended = true;
    name.pop_back();
  }
  const auto star = name.rfind('*');
  const auto digits = star == std::string::npos ? std::string_view() : std::string_view(name).substr(star + 1);
  const bool number = !digits.empty() && digits.size() <= 4 && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (number && star > 0) {
    for (const char c : digits) out.index = out.index * 10 + static_cast<std::uint32_t>(c - '0');
    out.continued = true;
    name.resize(star);
  }
  out.name = std::move(name);
  return out;
}

void ParameterJoiner::add(std::string name, std::string value) {
  if (pieces_.size() == kMaxParameters) return;
  Piece piece = split(std::move(name), std::move(value));
  const bool known = std::ranges::any_of(pieces_, [&](const Piece& other) {
    return other.name == piece.name && other.continued == piece.continued && other.index == piece.index &&
           (piece.continued || other.extended == piece.extended);
  });
  if (!known) pieces_.push_back(std::move(piece));
}

Parameter ParameterJoiner::join(std::vector<const Piece*> pieces) {
  std::ranges::sort(pieces, {}, &Piece::index);
  Parameter out;
  out.name = pieces.front()->name;
  out.extended = std::ranges::any_of(pieces, &Piece::extended);
  // RFC 2231 4.1: charset and language stand in the first piece alone
  if (out.extended && !pieces.front()->extended) out.value = "''";
  for (const auto* piece : pieces) {
    if (out.extended && !piece->extended)
      append_percent_encoded(out.value, piece->value);
    else
      out.value += piece->value;
  }
  return out;
}

std::vector<Parameter> ParameterJoiner::take() {
  std::vector<Parameter> out;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& first = pieces_[i];
    if (!first.continued) {
      out.push_back(Parameter{first.name, first.value, first.extended});
      continue;
    }
    std::vector<const Piece*> pieces;
    for (const auto& piece : pieces_) {
      if (piece.continued && piece.name == first.name) pieces.push_back(&piece);
    }
    if (pieces.front() == &first) out.push_back(join(std::move(pieces)));
  }
  return out;
}

}  // namespace godwit::message
