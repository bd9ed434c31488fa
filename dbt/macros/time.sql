{# The literal of an instant given as ISO 8601 text with a zone. The engines spell microsecond precision differently. #}
{% macro timestamp_with_zone(text) %}
    {%- set instant = modules.datetime.datetime.fromisoformat(text | string) -%}
    {%- if instant.tzinfo is none -%}
        {{ exceptions.raise_compiler_error("as_of needs a zone, for example 2026-01-31T18:00:00+00:00; got " ~ text) }}
    {%- endif -%}
    {%- set utc = instant.astimezone(modules.pytz.utc).strftime('%Y-%m-%d %H:%M:%S.%f UTC') -%}
    {{ return(adapter.dispatch('timestamp_with_zone_literal')(utc)) }}
{% endmacro %}

{% macro default__timestamp_with_zone_literal(utc) %}cast('{{ utc }}' as timestamp(6) with time zone){% endmacro %}

{% macro duckdb__timestamp_with_zone_literal(utc) %}cast('{{ utc }}' as timestamp with time zone){% endmacro %}

{# The first and the last date that the models can hold; ends of open intervals. #}
{% macro first_date() %}date '0001-01-01'{% endmacro %}

{% macro last_date() %}date '9999-12-31'{% endmacro %}

{# The last date that the marts describe: the variable `logical_date`, or no limit. #}
{% macro logical_date() %}
    {%- if var('logical_date') is none -%}
        {{ last_date() }}
    {%- else -%}
        date '{{ modules.datetime.date.fromisoformat(var('logical_date') | string).isoformat() }}'
    {%- endif -%}
{% endmacro %}
