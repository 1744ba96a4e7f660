// A Secret is not printed, compared, copied or converted by accident.
#include "base/secret.h"

#include <sstream>
#include <string>

using sallyport::base::Secret;

std::string allowed(Secret secret) { return std::string(Secret(std::move(secret)).reveal()); }

#if OFFENDING == 1  // printed to a stream => invalid operands to binary expression
void print(std::ostringstream& out, const Secret& secret) { out << secret; }
#endif
#if OFFENDING == 2  // compared with a Secret => invalid operands to binary expression
bool same(const Secret& a, const Secret& b) { return a == b; }
#endif
#if OFFENDING == 3  // compared with text => invalid operands to binary expression
bool same_text(const Secret& a) { return a == "password"; }
#endif
#if OFFENDING == 4  // ordered => invalid operands to binary expression
bool less(const Secret& a, const Secret& b) { return a < b; }
#endif
#if OFFENDING == 5  // copied => call to deleted constructor of 'Secret'
Secret copy(const Secret& a) { return a; }
#endif
#if OFFENDING == 6  // copied over another => overload resolution selected deleted operator '='
void assign(Secret& a, const Secret& b) { a = b; }
#endif
#if OFFENDING == 7  // turned into text => no viable conversion
std::string convert(const Secret& a) { return a; }
#endif
#if OFFENDING == 8  // made from text by accident => no viable conversion
Secret implicit(std::string text) { return text; }
#endif
