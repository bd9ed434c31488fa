{# A rule across columns holds in every row. A rule that comes out null counts as broken: say what null means in it. #}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where coalesce(not ({{ expression }}), true)

{% endtest %}
