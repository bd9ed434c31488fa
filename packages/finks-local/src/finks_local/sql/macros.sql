-- Macros that translations use. Each refers only to those before it, to Python functions, and to DuckDB's own.

-- Errors: a cast that fails carries the message, because TRY takes no error()

CREATE OR REPLACE TEMP MACRO trino_fail(code, message) AS (
    CAST('!' || code || '!' || message AS INTEGER)
);

-- Conversions

CREATE OR REPLACE TEMP MACRO trino_fitting(x, n) AS (
    CASE WHEN length(x) <= n THEN x WHEN x IS NOT NULL THEN trino_fail('INVALID_CAST_ARGUMENT', 'Value ' || x
    || ' cannot be represented as varchar(' || n || ')')::VARCHAR END
);

CREATE OR REPLACE TEMP MACRO trino_boolean(x) AS (
    CASE WHEN lower(x) IN ('true', 't', '1') THEN TRUE WHEN lower(x) IN ('false', 'f', '0') THEN FALSE
    WHEN x IS NOT NULL THEN trino_fail('INVALID_CAST_ARGUMENT', 'Cannot cast ''' || x
    || ''' to BOOLEAN')::BOOLEAN END
);

CREATE OR REPLACE TEMP MACRO trino_timestamp(x) AS (
    CAST(CASE WHEN regexp_full_match(x, '.* [0-9]+:[0-9]+') THEN x || ':00' ELSE x END AS TIMESTAMP)
);

CREATE OR REPLACE TEMP MACRO trino_round_timestamp(x, unit) AS (
    make_timestamp(CAST(floor((epoch_us(x) + unit // 2)::DECIMAL(38,0) / unit) AS BIGINT) * unit)
);

CREATE OR REPLACE TEMP MACRO trino_round_instant(x, unit) AS (
    CAST(trino_round_timestamp(CAST(x AS TIMESTAMP), unit) AS TIMESTAMPTZ)
);

CREATE OR REPLACE TEMP MACRO trino_day_second_text(x) AS (
    CASE WHEN x < 0 THEN '-' ELSE '' END || (abs(x) // 86400000) || ' '
    || lpad(CAST(abs(x) // 3600000 % 24 AS VARCHAR), 2, '0') || ':'
    || lpad(CAST(abs(x) // 60000 % 60 AS VARCHAR), 2, '0') || ':'
    || lpad(CAST(abs(x) // 1000 % 60 AS VARCHAR), 2, '0') || '.'
    || lpad(CAST(abs(x) % 1000 AS VARCHAR), 3, '0')
);

CREATE OR REPLACE TEMP MACRO trino_year_month_text(x) AS (
    CASE WHEN x < 0 THEN '-' ELSE '' END || (abs(x) // 12) || '-' || (abs(x) % 12)
);

-- Decimals

CREATE OR REPLACE TEMP MACRO trino_half_up(n, d) AS (
    (n // d) + CASE WHEN abs(n % d) >= abs(d) - abs(n % d) THEN sign(n)::HUGEINT * sign(d)::HUGEINT ELSE 0 END
);

-- Time

CREATE OR REPLACE TEMP MACRO trino_icu_zone(z) AS (
    CASE WHEN regexp_full_match(z, '[+-][0-9]{2}:[0-9]{2}') THEN 'GMT' || z ELSE z END
);

CREATE OR REPLACE TEMP MACRO trino_local(t, z) AS (
    timezone(trino_icu_zone(z), t)
);

CREATE OR REPLACE TEMP MACRO trino_date_plus(d, ms) AS (
    d + CASE WHEN ms % 86400000 <> 0
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Cannot add hour, minutes or seconds to a date')
    ELSE CAST(ms // 86400000 AS INTEGER) END
);

CREATE OR REPLACE TEMP MACRO trino_from_unixtime(x) AS (
    make_timestamptz(CAST(floor(x * 1000 + 0.5e0) AS BIGINT) * 1000)
);

CREATE OR REPLACE TEMP MACRO trino_months_between(a, b) AS (
    CASE WHEN b >= a THEN date_sub('month', a, b) ELSE -date_sub('month', b, a) END
);

CREATE OR REPLACE TEMP MACRO trino_units_between(a, b, size) AS (
    (epoch_us(b) - epoch_us(a)) // (size::BIGINT * 1000)
);

CREATE OR REPLACE TEMP MACRO trino_offset_text(h, m, zulu, mark) AS (
    CASE WHEN zulu AND h = 0 AND m = 0 THEN 'Z' ELSE CASE WHEN h < 0 OR m < 0 THEN '-' ELSE '+' END
    || lpad(CAST(abs(h) AS VARCHAR), 2, '0') || mark || lpad(CAST(abs(m) AS VARCHAR), 2, '0') END
);

-- Numbers

CREATE OR REPLACE TEMP MACRO trino_finite(x) AS (
    CASE WHEN isfinite(x) THEN x END
);

CREATE OR REPLACE TEMP MACRO trino_ln(x) AS (
    CASE WHEN x > 0 OR isnan(x) THEN ln(x) WHEN x = 0 THEN '-Infinity'::DOUBLE WHEN x < 0 THEN 'NaN'::DOUBLE END
);

CREATE OR REPLACE TEMP MACRO trino_log10(x) AS (
    CASE WHEN x > 0 OR isnan(x) THEN log10(x) WHEN x = 0 THEN '-Infinity'::DOUBLE WHEN x < 0
    THEN 'NaN'::DOUBLE END
);

CREATE OR REPLACE TEMP MACRO trino_round_integer(x, n) AS (
    CASE WHEN n >= 0 THEN x::HUGEINT WHEN n < -18 THEN 0::HUGEINT
    ELSE trino_half_up(x::HUGEINT, CAST(pow(10, -n) AS HUGEINT)) * CAST(pow(10, -n) AS HUGEINT) END
);

CREATE OR REPLACE TEMP MACRO trino_wrap(x) AS (
    CAST(CASE
    WHEN (x % 18446744073709551616 + 18446744073709551616) % 18446744073709551616 >= 9223372036854775808
    THEN (x % 18446744073709551616 + 18446744073709551616) % 18446744073709551616 - 18446744073709551616
    ELSE (x % 18446744073709551616 + 18446744073709551616) % 18446744073709551616 END AS BIGINT)
);

CREATE OR REPLACE TEMP MACRO trino_shift_left(x, n) AS (
    CASE WHEN n < 0 OR n > 63 THEN 0 ELSE trino_wrap(x::HUGEINT * (1::HUGEINT << n::INTEGER)) END
);

CREATE OR REPLACE TEMP MACRO trino_shift_right(x, n) AS (
    CASE WHEN n < 0 OR n > 63 THEN 0 WHEN n = 0 THEN x ELSE CAST((CASE WHEN x < 0
    THEN x::HUGEINT + 18446744073709551616 ELSE x::HUGEINT END) // (1::HUGEINT << n::INTEGER) AS BIGINT) END
);

CREATE OR REPLACE TEMP MACRO floor_div(x, n) AS (
    (x::HUGEINT - ((x::HUGEINT % (1::HUGEINT << n::INTEGER) + (1::HUGEINT << n::INTEGER)) % (1::HUGEINT << n::INTEGER))) // (1::HUGEINT << n::INTEGER)
);

CREATE OR REPLACE TEMP MACRO trino_shift_right_arithmetic(x, n) AS (
    CASE WHEN n > 63 OR n < 0 THEN CASE WHEN x < 0 THEN -1 ELSE 0 END ELSE CAST(floor_div(x, n) AS BIGINT) END
);

CREATE OR REPLACE TEMP MACRO trino_bit_count(x, bits) AS (
    CASE WHEN bits = 64 THEN CAST(bit_count(x) AS BIGINT) WHEN bits < 2 OR bits > 64
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Bits specified in bit_count must be between 2 and 64, got '
    || bits)::BIGINT WHEN x > (1::HUGEINT << (bits - 1)::INTEGER) - 1
    OR x < -(1::HUGEINT << (bits - 1)::INTEGER)
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Number must be representable with the bits specified. ' || x
    || ' cannot be represented with ' || bits || ' bits')::BIGINT ELSE CAST(bit_count(CAST(CASE WHEN x < 0
    THEN x::HUGEINT + (1::HUGEINT << bits::INTEGER) ELSE x END AS HUGEINT)) AS BIGINT) END
);

CREATE OR REPLACE TEMP MACRO trino_width_bucket(x, lo, hi, n) AS (
    CASE WHEN n <= 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'bucketCount must be greater than 0')::BIGINT
    WHEN isnan(x) THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'operand must not be NaN')::BIGINT WHEN lo = hi
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'bounds cannot equal each other')::BIGINT
    WHEN least(lo, hi) > x THEN CASE WHEN lo > hi THEN n + 1 ELSE 0 END WHEN x >= greatest(lo, hi) AND lo < hi
    THEN n + 1 WHEN x > greatest(lo, hi) THEN 0
    ELSE CAST(floor(n * abs(x - lo) / abs(hi - lo)) AS BIGINT) + 1 END
);

CREATE OR REPLACE TEMP MACRO trino_width_bucket_bins(x, bins) AS (
    CASE WHEN x IS NOT NULL THEN len(list_filter(bins, lambda b: b <= x)) END
);

-- Text

CREATE OR REPLACE TEMP MACRO trino_spaces() AS (
    E' \t\n\x0B\f\r\x1C\x1D\x1E\x1F' || chr(5760) || chr(8192) || chr(8193) || chr(8194) || chr(8195)
    || chr(8196) || chr(8197) || chr(8198) || chr(8200) || chr(8201) || chr(8202) || chr(8232) || chr(8233)
    || chr(8287) || chr(12288)
);

CREATE OR REPLACE TEMP MACRO trino_ascii(x) AS (
    strlen(x) = length(x)
);

CREATE OR REPLACE TEMP MACRO trino_lower(x) AS (
    CASE WHEN trino_ascii(x) THEN lower(x) ELSE trino_lower_unicode(x) END
);

CREATE OR REPLACE TEMP MACRO trino_upper(x) AS (
    CASE WHEN trino_ascii(x) THEN upper(x) ELSE trino_upper_unicode(x) END
);

CREATE OR REPLACE TEMP MACRO trino_reverse(x) AS (
    CASE WHEN trino_ascii(x) THEN reverse(x) ELSE trino_reverse_unicode(x) END
);

CREATE OR REPLACE TEMP MACRO trino_levenshtein_distance(a, b) AS (
    CASE WHEN trino_ascii(a) AND trino_ascii(b) THEN CAST(levenshtein(a, b) AS BIGINT)
    ELSE trino_levenshtein_unicode(a, b) END
);

CREATE OR REPLACE TEMP MACRO trino_lpad(x, n, p) AS (
    CASE WHEN n < 0
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Target length must be in the range [0..2147483647]')::VARCHAR
    WHEN p = '' THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Padding string must not be empty')::VARCHAR
    ELSE lpad(x, CAST(n AS INTEGER), p) END
);

CREATE OR REPLACE TEMP MACRO trino_rpad(x, n, p) AS (
    CASE WHEN n < 0
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Target length must be in the range [0..2147483647]')::VARCHAR
    WHEN p = '' THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Padding string must not be empty')::VARCHAR
    ELSE rpad(x, CAST(n AS INTEGER), p) END
);

CREATE OR REPLACE TEMP MACRO trino_replace(x, s, r) AS (
    CASE WHEN s = '' THEN trino_replace_empty(x, r) ELSE replace(x, s, r) END
);

CREATE OR REPLACE TEMP MACRO trino_split(x, d) AS (
    CASE WHEN d = ''
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'The delimiter may not be the empty string')::VARCHAR::VARCHAR[]
    ELSE string_split(x, d) END
);

CREATE OR REPLACE TEMP MACRO trino_split_limit(x, d, n) AS (
    CASE WHEN n <= 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Limit must be positive')::VARCHAR::VARCHAR[]
    WHEN len(trino_split(x, d)) <= n THEN trino_split(x, d)
    ELSE list_append(list_slice(trino_split(x, d), 1, n - 1), array_to_string(list_slice(trino_split(x, d), n, len(trino_split(x, d))), d)) END
);

CREATE OR REPLACE TEMP MACRO trino_split_part(x, d, n) AS (
    CASE WHEN n <= 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Index must be greater than zero')::VARCHAR
    WHEN d = '' THEN CASE WHEN n <= length(x) THEN substr(x, n, 1) END
    ELSE list_extract(string_split(x, d), n) END
);

CREATE OR REPLACE TEMP MACRO trino_substr(x, n) AS (
    CASE WHEN n = 0 OR (n < 0 AND -n > length(x)) THEN CASE WHEN x IS NOT NULL THEN '' END ELSE substr(x, n) END
);

CREATE OR REPLACE TEMP MACRO trino_substr_length(x, n, l) AS (
    CASE WHEN l <= 0 OR n = 0 OR (n < 0 AND -n > length(x)) THEN CASE WHEN x IS NOT NULL THEN '' END
    ELSE substr(x, n, l) END
);

-- Arrays and maps

CREATE OR REPLACE TEMP MACRO trino_subscript(a, i) AS (
    list_extract(a, CASE WHEN a IS NULL OR i IS NULL THEN NULL WHEN i = 0
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'SQL array indices start at 1') WHEN i < 0
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Array subscript is negative: ' || i) WHEN i > len(a)
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Array subscript must be less than or equal to array length: '
    || i || ' > ' || len(a)) ELSE i END)
);

CREATE OR REPLACE TEMP MACRO trino_element_at(a, i) AS (
    list_extract(a, CASE WHEN i = 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'SQL array indices start at 1')
    ELSE i END)
);

CREATE OR REPLACE TEMP MACRO trino_map_subscript(m, k, shown) AS (
    list_extract(map_extract(m, k), CASE WHEN m IS NOT NULL AND k IS NOT NULL AND len(map_extract(m, k)) = 0
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'Key not present in map: ' || shown) ELSE 1 END)
);

CREATE OR REPLACE TEMP MACRO trino_any(l) AS (
    CASE WHEN list_contains(l, TRUE) THEN TRUE WHEN len(l) > list_count(l) THEN NULL WHEN l IS NOT NULL
    THEN FALSE END
);

CREATE OR REPLACE TEMP MACRO trino_all(l) AS (
    CASE WHEN list_contains(l, FALSE) THEN FALSE WHEN len(l) > list_count(l) THEN NULL WHEN l IS NOT NULL
    THEN TRUE END
);

CREATE OR REPLACE TEMP MACRO trino_array_equal(a, b, pairs) AS (
    CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) <> len(b) THEN FALSE ELSE trino_all(pairs) END
);

CREATE OR REPLACE TEMP MACRO trino_map_equal(a, b) AS (
    CASE WHEN list_sort(map_keys(a)) IS DISTINCT FROM list_sort(map_keys(b)) THEN FALSE
    ELSE trino_all(list_transform(map_keys(a), lambda k: list_extract(map_extract(a, k), 1) = list_extract(map_extract(b, k), 1))) END
);

CREATE OR REPLACE TEMP MACRO trino_array_concat(a, b) AS (
    CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE list_concat(a, b) END
);

CREATE OR REPLACE TEMP MACRO trino_array_append(a, x) AS (
    CASE WHEN a IS NOT NULL THEN list_append(a, x) END
);

CREATE OR REPLACE TEMP MACRO trino_array_prepend(x, a) AS (
    CASE WHEN a IS NOT NULL THEN list_prepend(x, a) END
);

CREATE OR REPLACE TEMP MACRO trino_index_of(l, x) AS (
    CASE WHEN x IS NULL THEN list_extract(list_filter(list_transform(l, lambda y, j: CASE WHEN y IS NULL
    THEN j END), lambda z: z IS NOT NULL), 1) ELSE list_position(l, x) END
);

CREATE OR REPLACE TEMP MACRO trino_array_distinct(l) AS (
    list_filter(l, lambda x, i: trino_index_of(l, x) = i)
);

CREATE OR REPLACE TEMP MACRO trino_array_intersect(a, b) AS (
    CASE WHEN b IS NOT NULL
    THEN list_filter(trino_array_distinct(a), lambda x: trino_index_of(b, x) IS NOT NULL) END
);

CREATE OR REPLACE TEMP MACRO trino_array_except(a, b) AS (
    CASE WHEN b IS NOT NULL
    THEN list_filter(trino_array_distinct(a), lambda x: trino_index_of(b, x) IS NULL) END
);

CREATE OR REPLACE TEMP MACRO trino_array_remove(l, e) AS (
    CASE WHEN e IS NOT NULL THEN list_filter(l, lambda x: x IS NULL OR x <> e) END
);

CREATE OR REPLACE TEMP MACRO trino_array_position(l, e) AS (
    CASE WHEN l IS NOT NULL AND e IS NOT NULL THEN coalesce(CAST(list_position(l, e) AS BIGINT), 0) END
);

CREATE OR REPLACE TEMP MACRO trino_array_max(l) AS (
    CASE WHEN len(l) = list_count(l) THEN list_max(l) END
);

CREATE OR REPLACE TEMP MACRO trino_array_min(l) AS (
    CASE WHEN len(l) = list_count(l) THEN list_min(l) END
);

CREATE OR REPLACE TEMP MACRO trino_arrays_overlap(a, b) AS (
    CASE WHEN len(list_filter(a, lambda x: list_contains(b, x))) > 0 THEN TRUE WHEN len(a) = 0 OR len(b) = 0
    THEN FALSE WHEN len(a) > list_count(a) OR len(b) > list_count(b) THEN NULL WHEN a IS NOT NULL
    AND b IS NOT NULL THEN FALSE END
);

CREATE OR REPLACE TEMP MACRO trino_contains_sequence(l, s) AS (
    CASE WHEN l IS NOT NULL AND s IS NOT NULL
    THEN len(list_filter(range(1, len(l) - len(s) + 2), lambda i: list_slice(l, i, i + len(s) - 1) = s)) > 0 END
);

CREATE OR REPLACE TEMP MACRO trino_array_join(l, s) AS (
    CASE WHEN l IS NOT NULL AND s IS NOT NULL THEN array_to_string(l, s) END
);

CREATE OR REPLACE TEMP MACRO trino_flatten(l) AS (
    flatten(list_filter(l, lambda x: x IS NOT NULL))
);

CREATE OR REPLACE TEMP MACRO trino_ngrams(l, n) AS (
    list_transform(range(1, 1 + greatest(1, len(l) - CASE WHEN n <= 0
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'N must be positive')
    ELSE n END + 1)), lambda i: list_slice(l, i, i + n - 1))
);

CREATE OR REPLACE TEMP MACRO trino_combinations(l, n) AS (
    list_transform(trino_choices(len(l), n), lambda c: list_transform(c, lambda i: list_extract(l, i)))
);

CREATE OR REPLACE TEMP MACRO trino_repeat(x, n) AS (
    list_transform(range(CASE WHEN n > 10000
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'count argument of repeat function must be less than or equal to 10000')
    ELSE greatest(n, 0) END), lambda i: x)
);

CREATE OR REPLACE TEMP MACRO trino_slice(l, s, n) AS (
    list_slice(l, CASE WHEN s = 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'SQL array indices start at 1')
    WHEN n < 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'length must be greater than or equal to 0')
    WHEN s < 0 AND -s > len(l) THEN len(l) + 1 WHEN s < 0 THEN len(l) + s + 1 ELSE s END, CASE WHEN s < 0
    AND -s > len(l) THEN 0 WHEN s < 0 THEN len(l) + s + n ELSE s + n - 1 END)
);

CREATE OR REPLACE TEMP MACRO trino_trim_array(l, n) AS (
    list_slice(l, 1, CASE WHEN n < 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'size must not be negative: '
    || n) WHEN n > len(l)
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'size must not exceed array cardinality ' || len(l) || ': '
    || n) ELSE len(l) - n END)
);

CREATE OR REPLACE TEMP MACRO trino_map(k, v) AS (
    MAP(k, CASE WHEN len(k) <> len(v)
    THEN list_slice(v, trino_fail('INVALID_FUNCTION_ARGUMENT', 'Key and value arrays must be the same length'), 1)
    ELSE v END)
);

CREATE OR REPLACE TEMP MACRO trino_pairs(l) AS (
    list_transform(l, lambda e: {'key': struct_extract_at(e, 1), 'value': struct_extract_at(e, 2)})
);

CREATE OR REPLACE TEMP MACRO trino_map_from_entries(l) AS (
    map_from_entries(trino_pairs(l))
);

CREATE OR REPLACE TEMP MACRO trino_last_entries(l) AS (
    list_reverse(list_filter(l, lambda e, i: len(list_filter(list_slice(l, i + 1, len(l)), lambda o: o.key = e.key)) = 0))
);

CREATE OR REPLACE TEMP MACRO trino_map_concat(maps) AS (
    CASE WHEN len(maps) = list_count(maps)
    THEN map_from_entries(list_reverse(trino_last_entries(flatten(list_transform(maps, lambda m: map_entries(m)))))) END
);

CREATE OR REPLACE TEMP MACRO trino_first_entries(l) AS (
    list_filter(l, lambda e, i: len(list_filter(list_slice(l, 1, i - 1), lambda o: o.key = e.key)) = 0)
);

CREATE OR REPLACE TEMP MACRO trino_map_agg(l) AS (
    map_from_entries(trino_first_entries(list_filter(l, lambda e: e.key IS NOT NULL)))
);

CREATE OR REPLACE TEMP MACRO trino_multimap_agg(l) AS (
    map_from_entries(list_transform(trino_first_entries(list_filter(l, lambda e: e.key IS NOT NULL)), lambda f: {'key': f.key, 'value': list_transform(list_filter(l, lambda o: o.key = f.key), lambda o: o.value)}))
);

CREATE OR REPLACE TEMP MACRO trino_steps(a, b, s) AS (
    CASE WHEN s = 0 THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'step must not be zero') WHEN (b > a AND s < 0)
    OR (b < a AND s > 0)
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start')
    WHEN (b - a) // s + 1 > 10000
    THEN trino_fail('INVALID_FUNCTION_ARGUMENT', 'result of sequence function must not have more than 10000 entries')
    ELSE (b - a) // s + 1 END
);

CREATE OR REPLACE TEMP MACRO trino_step(a, b, s) AS (
    coalesce(s, CASE WHEN a <= b THEN 1 ELSE -1 END)
);

CREATE OR REPLACE TEMP MACRO trino_sequence(a, b, s) AS (
    CASE WHEN a IS NOT NULL AND b IS NOT NULL
    THEN list_transform(range(CAST(trino_steps(a::HUGEINT, b::HUGEINT, trino_step(a, b, s)::HUGEINT) AS BIGINT)), lambda i: CAST(a + i * trino_step(a, b, s) AS BIGINT)) END
);

CREATE OR REPLACE TEMP MACRO trino_sequence_millis(a, b, ms) AS (
    list_transform(range(CAST(trino_steps(epoch_ms(a), epoch_ms(b), ms) AS BIGINT)), lambda i: a + to_milliseconds(i * ms))
);

CREATE OR REPLACE TEMP MACRO trino_sequence_months(a, b, m) AS (
    list_transform(range(CAST(trino_steps(0, trino_months_between(a, b), m) AS BIGINT)), lambda i: a + to_months(CAST(i * m AS INTEGER)))
);
