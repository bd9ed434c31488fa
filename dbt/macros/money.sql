{#
    Money is decimal(38, 10), a quantity decimal(24, 10), a price decimal(24, 12), an FX rate decimal(28, 14).
    A product's scale is the sum of its factors' scales and both engines stop at 38 digits, hence these widths.
#}
{% macro money(expression) %}cast({{ expression }} as decimal(38, 10)){% endmacro %}

{% macro convert(amount, fx_rate) %}cast({{ amount }} * {{ fx_rate }} as decimal(38, 10)){% endmacro %}

{# amount * part / whole. Exact when the part is the whole, else to the 15 digits of a double. #}
{% macro share_of(amount, part, whole) -%}
    case
        when {{ part }} = {{ whole }} then {{ money(amount) }}
        else {{ to_decimal(
            'cast(' ~ amount ~ ' as double) * cast(' ~ part ~ ' as double) / cast(' ~ whole ~ ' as double)', 38, 10
        ) }}
    end
{%- endmacro %}
