#pragma once
// Substring search as SEARCH wants it (RFC 9051 6.4.4: case-insensitive; by i;unicode-casemap, RFC 5051), in text that comes in pieces.
//
// Memory: the piece at hand and the longest key. One TextSearcher for one search, used for one message after the other; one caller.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/message/charset.h"
#include "grammar/message/content_decoder.h"

namespace godwit::message {

// What is looked for.
class Needle {
 public:
  explicit Needle(std::string_view utf8);  // an empty one is in every text

  bool in(std::string_view casemapped) const;  // see casemap()
  std::size_t size() const { return key_.size(); }
  bool operator==(const Needle&) const = default;

 private:
  std::string key_;
};

class TextSearcher {
 public:
  explicit TextSearcher(std::vector<Needle> needles);

  // UTF-8, cut anywhere, also in a character.
  void feed(std::string_view utf8);
  void end_text();  // what comes is another text: no match lies across
  void reset();     // nothing has been found, nothing fed

  bool found(std::size_t needle) const { return found_[needle]; }
  bool all_found() const { return missing_ == 0; }  // feeding on is useless

 private:
  void search(std::string_view utf8);

  std::vector<Needle> needles_;
  std::vector<bool> found_;
  std::size_t missing_ = 0;
  std::size_t longest_ = 0;
  std::string window_;   // casemapped: the end of what was fed before, and the piece
  std::string partial_;  // the beginning of a character
};

// The text of one part in pieces: its bytes as they are in the message, to UTF-8. HTML comes with its tags.
class PartText {
 public:
  PartText(TransferEncoding encoding, std::string_view charset) : identity_(is_identity(encoding)), content_(encoding), charset_(charset) {}

  void feed(std::string_view bytes, std::string& utf8);  // appends
  void finish(std::string& utf8);

 private:
  bool identity_;
  ContentDecoder content_;
  CharsetDecoder charset_;
  std::string decoded_;
};

// A header as people read it: each field unfolded (its CRLFs taken out), encoded words decoded, "Name: value" on a line of its own. From a
// header's bytes, up to its end or an empty line. UTF-8.
std::string header_text(std::string_view header);

}  // namespace godwit::message
