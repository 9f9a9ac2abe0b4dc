#pragma once
// Takes an address list apart at its commas and groups, whatever is broken in it, and reads each address alone: with parse_address_list()
// where RFC 5322 allows it, by guess where not. Used by envelope alone. Linear in time, bounded by kMaxEnvelopeAddresses.

#include <string_view>
#include <vector>

#include "grammar/message/envelope.h"

namespace godwit::message {

class AddressSplitter {
 public:
  explicit AddressSplitter(std::string_view text) : text_(text) {}

  std::vector<EnvelopeAddress> run();

 private:
  void step(char c);
  void special(char c);
  void skip_quoted();
  void skip_comment();
  void skip_literal();
  void end_entry();
  void begin_group();
  void end_group();
  void add(EnvelopeAddress address);

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t begin_ = 0;  // of the current entry
  bool angle_ = false;     // between < and >
  bool route_ = false;     // what stands there began with @
  bool in_group_ = false;
  bool quotes_ = true;    // false: the last one never closes
  bool comments_ = true;  // the same
  std::vector<EnvelopeAddress> out_;
};

}  // namespace godwit::message
